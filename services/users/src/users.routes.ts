import { route, type Route } from '@movie-ticketing/kit/endpoint';

import { usersEndpoints } from './users.endpoints.ts';
import type { UsersHandlers } from './users.handlers.ts';

export const usersRoutes = (handlers: UsersHandlers): Route[] => {
  const endpoints = usersEndpoints();
  return [
    route(endpoints.registerUser, handlers.registerUser),
    route(endpoints.loginUser, handlers.loginUser),
    route(endpoints.refreshSession, handlers.refreshSession),
    route(endpoints.logoutSession, handlers.logoutSession),
    route(endpoints.getMe, handlers.getMe),
    route(endpoints.deleteMe, handlers.deleteMe),
    route(endpoints.changePassword, handlers.changePassword),
    route(endpoints.listUsers, handlers.listUsers),
    route(endpoints.changeRole, handlers.changeRole),
    route(endpoints.getJwks, handlers.getJwks),
  ];
};
