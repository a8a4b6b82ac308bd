const credentials = { email: 'ada@example.com', password: 'correct horse battery' };
const refreshToken = { refresh_token: 'Zm9yIGFuIGV4YW1wbGUsIG5vdCByZWFs' };

/** An example body for each operation that accepts one. */
export const examples: Readonly<Record<string, unknown>> = {
  registerUser: credentials,
  loginUser: credentials,
  refreshSession: refreshToken,
  logoutSession: refreshToken,
  changePassword: {
    current_password: 'correct horse battery',
    new_password: 'staple the other horse',
  },
  resetPassword: {
    token: 'bm90IGEgcmVhbCBwYXNzd29yZCByZXNldCB0b2tlbiE',
    password: 'staple the other horse',
  },
  changeRole: { role: 'staff' },
  createMovie: {
    title: 'Metropolis',
    description: 'A city above, a city below, and a mediator between them.',
    duration_minutes: 153,
    price: { amount: 1200, currency: 'USD' },
    start_date: '2027-01-10',
    end_date: '2027-02-10',
  },
  updateMovie: { price: { amount: 900, currency: 'USD' } },
  createTheater: {
    name: 'Ritz 1',
    location: 'Berlin',
    time_zone: 'Europe/Berlin',
    total_seats: 240,
  },
  updateTheater: { name: 'Ritz 2' },
  createScreening: { movie_id: 1, theater_id: 1, starts_at: '2027-01-31T19:30:00Z' },
  updateScreening: { status: 'cancelled' },
  replaceSeatPlan: {
    name: 'Ritz 1',
    categories: [{ name: 'Stalls', color: '#3366cc' }],
    seats: [
      { row: 'A', number: '1', category: 'Stalls' },
      { row: 'A', number: '2', category: 'Stalls' },
    ],
  },
  updateSeatMap: { block: ['A-1'] },
  createTicketType: { name: 'Adult' },
  updateTicketType: { active: false },
  createPriceCard: {
    name: 'Evening',
    currency: 'USD',
    booking_fee: 100,
    tax_rate_bp: 1_900,
    lines: [
      { ticket_type_id: 1, category: null, amount: 1_200 },
      { ticket_type_id: 1, category: 'Balcony', amount: 1_500 },
    ],
    applies_to: { weekdays: [5, 6, 7], from: '17:00', until: '06:00' },
  },
  updatePriceCard: { booking_fee: 150 },
  createPromoCode: { code: 'SUMMER', percent: 20, max_uses: 100 },
  updatePromoCode: { max_uses: 200 },
  createBooking: { screening_id: 1, num_tickets: 2 },
  cancelBooking: { after_start: true },
  createPayment: { booking_id: 1, payment_token: 'tok_approved' },
};
