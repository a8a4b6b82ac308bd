import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';

import { newPayment, paymentEnvelope } from './payments.schema.ts';

export const createPayment = defineEndpoint({
  method: 'post',
  path: '/payments',
  operationId: 'createPayment',
  summary: 'Pay for a booking',
  description:
    'Charges a booking at most once. The response is 202 with status `processing` while the outcome is unknown: get the payment later, or repeat the request with its Idempotency-Key.',
  tag: 'Payments',
  access: 'signed-in',
  body: newPayment,
  answers: { 200: paymentEnvelope, 202: paymentEnvelope },
  problems: [
    'not_found',
    'payment_declined',
    'booking_already_paid',
    'booking_expired',
    'booking_cancelled',
    'screening_started',
    'screening_cancelled',
    'payment_processing',
  ],
  idempotent: true,
});

export const getPayment = defineEndpoint({
  method: 'get',
  path: '/payments/:id',
  operationId: 'getPayment',
  summary: 'Get a payment',
  tag: 'Payments',
  access: 'signed-in',
  params: idParams,
  answers: { 200: paymentEnvelope },
  problems: ['not_found'],
});
