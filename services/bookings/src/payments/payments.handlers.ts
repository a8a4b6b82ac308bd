import type { Handler } from '@movie-ticketing/kit/endpoint';

import type * as endpoints from './payments.endpoints.ts';
import { presentPayment } from './payments.schema.ts';
import type { PaymentsService } from './payments.service.ts';

export const makePaymentsHandlers = (service: PaymentsService) => {
  const create: Handler<typeof endpoints.createPayment> = ({ currentUser, body, idempotency }) =>
    service.pay(currentUser, {
      bookingId: body.booking_id,
      token: body.payment_token,
      idempotency,
    });

  const get: Handler<typeof endpoints.getPayment> = async ({ currentUser, params }) => ({
    status: 200,
    body: { payment: presentPayment(await service.get(currentUser, params.id)) },
  });

  return { createPayment: create, getPayment: get };
};
