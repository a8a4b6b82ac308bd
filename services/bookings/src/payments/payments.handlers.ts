import type { Handler } from '@movie-ticketing/kit/endpoint';

import type * as endpoints from './payments.endpoints.ts';
import { presentPayment } from './payments.schema.ts';
import type { PaymentsService } from './payments.service.ts';

export const makePaymentsHandlers = (service: PaymentsService) => {
  const create: Handler<typeof endpoints.createPayment> = ({ caller, body, idempotency }) =>
    service.pay(caller, { bookingId: body.booking_id, token: body.payment_token, idempotency });

  const get: Handler<typeof endpoints.getPayment> = async ({ caller, params }) => ({
    status: 200,
    body: { payment: presentPayment(await service.get(caller, params.id)) },
  });

  return { create, get };
};
