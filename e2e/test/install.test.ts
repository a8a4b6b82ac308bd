import { expect, test } from '@jest/globals';

import { cinema, cinemaNamespace, cinemaSpec } from '../testing/shared-cinema.ts';
import { ask, bookingStatus, buyTicket, chooseSeats, register } from '../testing/customer.ts';
import { makeNamespace } from '../testing/ticketing.ts';
import { secondsSince, waitFor } from '../testing/waiting.ts';

const steps = ['DatabaseReady', 'MigrationsApplied', 'Seeded', 'ServicesReady', 'GatewayReady'];
const goalSeconds = 45;

type Condition = { type: string; status: string };

test('installs from one custom resource, and a ticket is booked and paid through the NodePort', async () => {
  await makeNamespace(cinemaNamespace);
  const tickets = cinema();
  const started = performance.now();
  const lines: string[] = [];
  const done = new Set<string>();
  const note = (step: string): void => {
    if (done.has(step)) return;
    done.add(step);
    lines.push(`${secondsSince(started).padStart(7)}  ${step}`);
  };
  await tickets.apply(cinemaSpec);
  note('applied');

  await waitFor(
    'Ready',
    async () => {
      const conditions = ((await tickets.read())['status']?.conditions ?? []) as Condition[];
      const isTrue = (type: string): boolean =>
        conditions.some((found) => found.type === type && found.status === 'True');
      for (const step of steps) if (isTrue(step)) note(step);
      return isTrue('Ready');
    },
    { seconds: 240 },
  ).catch(async (error: unknown) => {
    await tickets.ready(1).catch((detail: unknown) => console.error(detail));
    throw error;
  });
  note('Ready');
  await tickets.ready();
  note('the NodePort responds');

  const { token, booking } = await buyTicket(tickets.url);
  note('first ticket booked and paid');
  const seconds = (performance.now() - started) / 1000;
  console.log(`Fresh install:\n${lines.join('\n')}`);

  expect(await bookingStatus(tickets.url, token, booking)).toBe('confirmed');
  const live = await tickets.read();
  expect(live['status']).toMatchObject({ phase: 'Running', version: '1.0.0' });
  if (seconds > goalSeconds)
    console.warn(
      `the goal of ${String(goalSeconds)} s was missed: ${String(Math.round(seconds))} s`,
    );
});

test('a customer chooses seats, which nobody else gets', async () => {
  const { url } = cinema();
  const { body, seats, status } = await chooseSeats(url);
  expect([status, seats]).toEqual([201, ['B-1', 'B-2']]);
  const other = await ask(url, '/bookings', { token: await register(url), body });
  expect([other.status, other.body.code, other.body.seats]).toEqual([409, 'seats_taken', seats]);
});
