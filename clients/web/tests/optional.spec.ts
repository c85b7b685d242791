// The second step where users may do without: offered, turned on, turned off.

import { en, expect, startPool, test as base, type Pool } from './bed.ts';

const test = base.extend<{}, { pool: Pool }>({
  pool: [async ({}, use) => {
    const pool = await startPool('--self-sign-up', '--second-factor-policy', 'OPTIONAL');
    await use(pool);
    await pool.stop();
  }, { scope: 'worker' }],
});

test('9. puts the offer off, and turns it on later, asked once', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson();
  await visitor.begin(person);
  await visitor.sees(en.offer.title);
  await visitor.press(en.offer.no);
  await visitor.isIn();
  await expect(page.getByRole('button', { name: en.signedIn.turnOff })).toHaveCount(0);
  await visitor.press(en.signedIn.turnOn);
  await visitor.enter(person);
  await visitor.setsUp();
  await visitor.keepsCodes();
  await visitor.isIn();
});

test('9. a user takes the offer, and turns it off again', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson();
  await visitor.begin(person);
  await visitor.press(en.offer.yes);
  const authenticator = await visitor.setsUp();
  const codes = await visitor.keepsCodes();
  await visitor.press(en.signedIn.turnOff);
  await visitor.enter(person);
  await visitor.asksPasscode();
  const passcode = authenticator.unusedPasscode();
  await visitor.code.fill(passcode);
  await visitor.sees(en.remove.title);
  await visitor.recoveryCode.fill(passcode);
  await visitor.press(en.remove.button);
  await visitor.problem(en.problems.sentAlready);
  await visitor.recoveryCode.fill(codes[1]!);
  await visitor.press(en.remove.button);
  await visitor.isIn();
  await expect(page.getByRole('button', { name: en.signedIn.turnOn })).toHaveCount(1);
});

test('9. a user keeps it on after all', async ({ visitor, pool }) => {
  const person = await pool.newPerson();
  await visitor.begin(person);
  await visitor.press(en.offer.yes);
  const authenticator = await visitor.setsUp();
  await visitor.keepsCodes();
  await visitor.press(en.signedIn.turnOff);
  await visitor.enter(person);
  await visitor.code.fill(authenticator.unusedPasscode());
  await visitor.press(en.remove.keep);
  await visitor.isIn();
});
