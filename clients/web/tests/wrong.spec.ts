// Wrong answers: what they cost, and what the page says.

import { authenticator, en, expect, signInElsewhere, stubChallenge, test, Visitor } from './bed.ts';

test('11. says that address or password is wrong, and keeps the address', async ({ visitor, person, page }) => {
  await visitor.begin({ ...person, name: person.name, password: 'Another-horse-9' });
  await visitor.problem(en.problems.wrongPassword);
  const password = page.getByLabel(en.password, { exact: true });
  await expect(password).toHaveValue('');
  await expect(password).toBeFocused();
  await expect(password).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByLabel(en.email)).toHaveValue(person.name);
  await visitor.press(en.signIn.button);
  await visitor.problem(en.problems.missingInput);
});

test('12. counts wrong passcodes, speaks of the clock, ends the sign-in', async ({ visitor, person }) => {
  const [first, second, third] = person.authenticator.wrongPasscodes(3);
  await visitor.begin(person);
  await visitor.code.fill(first!);
  await visitor.problem(en.wrongPasscode(2));
  await expect(visitor.code).toHaveValue('');
  await expect(visitor.code).toBeFocused();
  // Enter, out of habit, after a code that was submitted by itself.
  await visitor.code.press('Enter');
  await visitor.problem(en.wrongPasscode(2));
  await visitor.code.fill(second!);
  await visitor.problem(new RegExp(`^${en.wrongPasscode(1)} ${en.yourClock('.*')}`));
  await visitor.code.fill(third!);
  await visitor.sees(en.signIn.title);
  await visitor.problem(en.problems.ended);
});

test('13. keeps a wrong recovery code in its field, to be corrected', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.typeRecoveryCode('ECX1-7V9Z-XHDP-AK0E');
  await visitor.problem(en.wrongRecoveryCode(2));
  await expect(visitor.recoveryCode).toHaveValue('ECX1-7V9Z-XHDP-AK0E');
  await expect(visitor.recoveryCode).toBeFocused();
  expect(await page.evaluate(() => getSelection()!.toString())).toBe('ECX1-7V9Z-XHDP-AK0E');
  await visitor.recoveryCode.fill('ECX1-7V9Z');
  await visitor.press(en.continue);
  await visitor.problem(en.problems.notARecoveryCode);
  await visitor.recoveryCode.fill(person.recoveryCodes[0]!);
  await visitor.press(en.continue);
  await visitor.isIn();
});

test('14. sends a passcode once, and one used in another tab is refused', async ({ visitor, person, pool, page }) => {
  const [wrong] = person.authenticator.wrongPasscodes(1);
  await visitor.begin(person);
  await visitor.code.fill(wrong!);
  await visitor.problem(en.wrongPasscode(2));
  const sent = visitor.calls.length;
  await visitor.code.fill(wrong!);
  await visitor.problem(en.problems.sentAlready);
  expect(visitor.calls).toHaveLength(sent);

  const passcode = person.authenticator.unusedPasscode();
  const other = new Visitor(await page.context().newPage(), pool);
  await other.begin(person);
  await other.code.fill(passcode);
  await other.isIn();
  await visitor.code.fill(passcode);
  await visitor.problem(new RegExp(`^${en.wrongPasscode(1)}`));
});

test('15. counts a wait down and ends it, and a recovery code does not wait', async ({ visitor, person, pool, page }) => {
  const [first, second, third, fourth, fifth] = person.authenticator.wrongPasscodes(5);
  await expect(signInElsewhere(pool, person, { answer: first }, { answer: second }, { answer: third })).rejects.toThrow();
  await page.clock.install();
  await visitor.begin(person);
  await visitor.code.fill(fourth!);
  await visitor.problem(en.wrongPasscode(2));
  await visitor.code.fill(fifth!);
  const wait = page.locator('#wait');
  await expect(wait).toHaveText(new RegExp(en.passcode.waiting('[0-9]+ seconds?')));
  await expect(page.getByRole('alert').filter({ hasText: en.passcode.waiting('').slice(0, 20) })).toHaveCount(1);
  await expect(wait).not.toContainText(en.tries(1));
  await expect(visitor.code).toBeHidden();
  await expect(page.getByRole('button', { name: en.passcode.useRecoveryCode })).toBeFocused();
  await expect(page.getByRole('button', { name: en.continue })).toHaveCount(0);
  const before = await wait.textContent();
  await page.clock.runFor(5000);
  expect(await wait.textContent()).not.toBe(before);
  await page.clock.runFor(31_000);
  await expect(visitor.code).toBeFocused();
  await expect(page.getByRole('button', { name: en.continue })).toHaveCount(1);
  await expect(page.getByRole('status')).toHaveText(`${en.notices.waitOver} ${en.tries(1)}`);
  await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
  await visitor.isIn();
});

test('16. asks for a recovery code where passcodes are stopped', async ({ visitor, person, page }) => {
  await stubChallenge(page, 'SECOND_FACTOR', { accepts: 'RECOVERY_CODE' });
  await visitor.begin(person);
  await visitor.sees(en.recoveryCode.title);
  await visitor.problem(en.problems.stopped);
  await expect(page.getByRole('button', { name: en.recoveryCode.usePasscode })).toHaveCount(0);
  await visitor.press(en.passcode.haveNeither);
  await visitor.press(en.back);
  await visitor.sees(en.recoveryCode.title);
  await visitor.problem(en.problems.stopped);
  await visitor.recoveryCode.fill(person.recoveryCodes[0]!);
  await visitor.press(en.continue);
  await visitor.isIn();
});

test('says at the set-up that the clock may be wrong', async ({ visitor, pool, page }) => {
  await visitor.begin(await pool.newPerson());
  await visitor.sees(en.setUp.title);
  const key = await page.locator('.key').textContent();
  const [first, second] = authenticator(key!.replaceAll(' ', '')).wrongPasscodes(2);
  for (const [passcode, says] of [[first!, en.wrongFirstPasscode(2)], [second!, new RegExp(`^${en.wrongFirstPasscode(1)} ${en.yourClock('.*')}`)]] as const) {
    await visitor.code.fill(passcode);
    await visitor.press(en.continue);
    await visitor.problem(says);
  }
});
