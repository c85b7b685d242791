// The second step where users may do without: offered, turned on, turned off.

import { en, expect, signInElsewhere, startPool, stubChallenge, test as base, type Pool, type Visitor } from './bed.ts';

const test = base.extend<{}, { pool: Pool }>({
  pool: [async ({}, use) => {
    const pool = await startPool('--self-sign-up', '--second-factor-policy', 'OPTIONAL', '--required-group', 'staff');
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

test('leaves the set-up that was offered, and does without', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson();
  await visitor.begin(person);
  await visitor.press(en.offer.yes);
  await visitor.sees(en.setUp.title);
  await visitor.press(en.setUp.notNow);
  await expect(page.getByRole('status')).toHaveText(`${en.notices.offerLeft} ${en.notices.setUpLeft}`);
  await visitor.enter(person);
  await visitor.press(en.offer.no);
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
  await visitor.press(en.remove.button);
  await visitor.problem(en.problems.missingCode);
  await visitor.recoveryCode.fill('12345');
  await visitor.press(en.remove.button);
  await visitor.problem(en.notACode('6'));
  await visitor.recoveryCode.fill(passcode);
  await visitor.press(en.remove.button);
  await visitor.problem(en.problems.sentAlready);
  await visitor.recoveryCode.fill('ECX1-7V9Z-XHDP-AK0E');
  await visitor.press(en.remove.button);
  await visitor.problem(en.wrongCode(2));
  await visitor.recoveryCode.fill(codes[1]!);
  await visitor.press(en.remove.button);
  await visitor.isIn();
  await expect(page.getByRole('status')).toHaveText(en.notices.turnedOff);
  await expect(page.getByRole('button', { name: en.signedIn.turnOn })).toHaveCount(1);
});

test('9. a user keeps it on after all, at the sign-in or at the question', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson();
  await visitor.begin(person);
  await visitor.press(en.offer.yes);
  const authenticator = await visitor.setsUp();
  const codes = await visitor.keepsCodes();
  await visitor.press(en.signedIn.turnOff);
  await visitor.enter(person);
  await visitor.code.fill(authenticator.unusedPasscode());
  await visitor.press(en.remove.keep);
  await visitor.isIn();
  await expect(page.getByRole('status')).toHaveText(en.notices.unchanged);
  await visitor.press(en.signedIn.turnOff);
  await expect(page.getByText(en.wishes.REMOVE_AUTHENTICATOR)).toBeVisible();
  await visitor.press(en.signIn.without);
  await visitor.isIn();
  await visitor.press(en.signedIn.signOut);
  await visitor.sees(en.signIn.title);
  await expect(page.getByRole('button', { name: en.signIn.without })).toHaveCount(0);
  await visitor.enter(person);
  await visitor.typeRecoveryCode(codes[0]!);
  await visitor.isIn();
});

/** Somebody who has signed in with the second step, and asks to turn it off. */
async function turningOff(visitor: Visitor, pool: Pool) {
  const person = await pool.newPerson();
  await signInElsewhere(pool, person, { answer: 'SET_UP' });
  await visitor.begin(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.press(en.signedIn.turnOff);
  return person;
}

test('with one try left, a user still leaves the removal, and reads that it stays on', async ({ visitor, pool, page }) => {
  const person = await turningOff(visitor, pool);
  await visitor.enter(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
  const [keep, cancel] = [en.remove.keep, en.remove.cancel].map((name) => page.getByRole('button', { name }));
  for (const left of [2, 1]) {
    await expect(keep!).toBeVisible();
    await expect(cancel!).toBeHidden();
    await visitor.recoveryCode.fill('ECX1-7V9Z-XHDP-AK0E');
    await visitor.press(en.remove.button);
    await visitor.problem(en.wrongCode(left));
  }
  await expect(keep!).toBeHidden();
  await cancel!.click();
  await visitor.sees(en.signIn.title);
  await expect(page.getByRole('status')).toHaveText(`${en.notices.changeLeft} ${en.notices.codeUsed}`);
});

test('in a wait, a removal takes a recovery code, and says so', async ({ visitor, pool, page }) => {
  const person = await turningOff(visitor, pool);
  await page.clock.install();
  // As after wrong passcodes in another sign-in at the same time.
  await stubChallenge(page, 'REMOVE_AUTHENTICATOR', { retryAfterSeconds: '30' });
  await visitor.enter(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
  await visitor.sees(en.remove.title);
  const wait = page.locator('#wait');
  await expect(wait).toHaveText(new RegExp(en.passcode.waiting('[0-9]+ seconds?')));
  await visitor.problem('');
  const sent = visitor.calls.length;
  await visitor.recoveryCode.fill('123456');
  await visitor.press(en.remove.button);
  await visitor.problem(en.problems.notARecoveryCode);
  expect(visitor.calls).toHaveLength(sent);
  await visitor.recoveryCode.fill('ECX1-7V9Z-XHDP-AK0E');
  await visitor.press(en.remove.button);
  await visitor.problem(en.wrongRecoveryCode(2));
  await page.clock.runFor(31_000);
  await expect(wait).toHaveText('');
  await expect(page.getByRole('status')).toHaveText(`${en.notices.waitOver} ${en.tries(2)}`);
  await visitor.recoveryCode.fill(person.recoveryCodes[1]!);
  await visitor.press(en.remove.button);
  await visitor.isIn();
  await expect(page.locator('dl')).toContainText(en.signedIn.factors.none);
});

for (const noted of [true, false]) {
  const when = noted ? 'before' : 'after';
  test(`says so when the second step became required ${when} the sign-in`, async ({ visitor, pool }) => {
    const person = await pool.newPerson();
    const group = { UserPoolId: pool.userPoolId, GroupName: 'staff' };
    await pool.call('CreateGroup', group).catch(() => null);
    const join = () => pool.call('AdminAddUserToGroup', { ...group, Username: person.name });
    await signInElsewhere(pool, person, { answer: 'SET_UP' });
    if (noted) await join();
    await visitor.begin(person);
    await visitor.code.fill(person.authenticator.unusedPasscode());
    await visitor.isIn();
    if (!noted) await join();
    await visitor.press(en.signedIn.turnOff);
    await visitor.enter(person);
    await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
    if (!noted) {
      // The triggers see a group only when tokens are issued.
      await visitor.recoveryCode.fill(person.recoveryCodes[1]!);
      await visitor.press(en.remove.button);
    }
    await visitor.sees(en.signIn.title);
    await visitor.problem(noted ? en.problems.staysOn : en.problems.secondStepNow);
    await expect(visitor.page.getByText(en.wishes.REMOVE_AUTHENTICATOR)).toHaveCount(0);
    await visitor.enter(person);
    await (noted ? visitor.asksPasscode() : visitor.sees(en.setUp.title));
  });
}
