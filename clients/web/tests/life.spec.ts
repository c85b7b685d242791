// A user's life at the screens, from the sign-up to a lost phone.

import { en, error, expect, newcomer, signInElsewhere, stub, test } from './bed.ts';

test('1. signs up, sets up an app, keeps the codes, and is in', async ({ visitor, page }) => {
  const person = newcomer(`ana-${crypto.randomUUID()}@example.com`);
  await visitor.open();
  await visitor.press(en.signIn.signUp);
  await page.getByLabel(en.email).fill(person.name);
  await page.getByLabel(en.newPassword, { exact: true }).fill(person.password);
  await visitor.press(en.signUp.button);
  await visitor.sees(en.confirmSignUp.title(person.name));
  // As the person reads it at the foot of the page.
  const message = page.getByRole('complementary').getByText(person.name);
  await visitor.code.fill((await message.textContent())!.match(/\d{6}$/)![0]);
  await visitor.press(en.confirmSignUp.button);
  await visitor.sees(en.signIn.title);
  await expect(page.getByRole('status')).toHaveText(en.notices.confirmed);
  await visitor.enter(person);
  // The name follows the code, which therefore does not send itself.
  await visitor.code.fill('000000');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Blue phone');
  await visitor.setsUp();
  await expect(page.getByText(en.codes.earlier)).toHaveCount(0);
  await visitor.keepsCodes();
  await visitor.isIn();
  await expect(page.getByRole('status')).toHaveText(en.notices.turnedOn);
  await expect(page.locator('dl')).toContainText(person.name);
  await visitor.press(en.signedIn.signOut);
  await visitor.sees(en.signIn.title);
  await expect(page.getByRole('status')).toHaveText(en.notices.signedOut);
  await visitor.enter(person);
  await expect(page.locator('#device')).toHaveText(en.passcode.by('Blue phone'));
});

test('2. signs in with a passcode, which is sent by itself', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.asksPasscode();
  await expect(visitor.code).toBeFocused();
  await page.keyboard.type(person.authenticator.unusedPasscode());
  await visitor.isIn();
  await expect(page.locator('dl')).toContainText(en.signedIn.factors.totp);
  await visitor.press(en.signedIn.renew);
  await expect(page.getByRole('status')).toHaveText(en.notices.renewed);
});

test('3. replaces a temporary password, at the second attempt', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson({ temporaryPassword: true });
  await visitor.begin(person);
  await visitor.sees(en.newPasswordScreen.title);
  const password = page.getByLabel(en.newPassword, { exact: true });
  await password.fill('short');
  await visitor.press(en.continue);
  await visitor.problem(en.rules(12));
  await expect(password).toHaveValue('short');
  await password.fill('Another-horse-9');
  await visitor.press(en.continue);
  await visitor.setsUp();
  await visitor.keepsCodes();
  await visitor.isIn();
});

test('4. sets a new password after a forgotten one', async ({ visitor, person, pool, page }) => {
  await visitor.open();
  await page.getByLabel(en.email).fill(person.name);
  await visitor.press(en.signIn.forgot);
  await expect(page.getByLabel(en.email)).toHaveValue(person.name);
  await visitor.press(en.forgot.button);
  await expect(page.getByLabel(en.messageCode)).toBeVisible();
  await page.getByLabel(en.messageCode).fill('000000');
  await page.getByLabel(en.newPassword, { exact: true }).fill('Another-horse-9');
  await visitor.press(en.resetPassword.button);
  await visitor.problem(en.problems.wrongMessageCode);
  await visitor.press(en.confirmSignUp.again);
  await expect(page.getByRole('status')).toHaveText(en.notices.sentAgain);
  await expect(page.getByLabel(en.messageCode)).toHaveValue('');
  await expect(page.getByLabel(en.messageCode)).toBeFocused();
  await page.getByLabel(en.messageCode).fill(await pool.lastCode(person.userName));
  await page.getByLabel(en.newPassword, { exact: true }).fill('Another-horse-9');
  await visitor.press(en.resetPassword.button);
  await expect(page.getByRole('status')).toHaveText(en.notices.passwordSet);
  await visitor.enter({ ...person, name: person.name, password: 'Another-horse-9' });
  await visitor.asksPasscode();
});

test('5. is led on after a reset, and before the address is confirmed', async ({ visitor, person, pool, page }) => {
  await pool.call('AdminResetUserPassword', { UserPoolId: pool.userPoolId, Username: person.name });
  await visitor.begin(person);
  await visitor.problem(en.problems.passwordReset);
  await page.getByLabel(en.messageCode).fill(await pool.lastCode(person.userName));
  await page.getByLabel(en.newPassword, { exact: true }).fill('Another-horse-9');
  await visitor.press(en.resetPassword.button);
  await visitor.sees(en.signIn.title);

  const unconfirmed = newcomer(`ben-${crypto.randomUUID()}@example.com`);
  const { UserSub } = await pool.call('SignUp', { ClientId: pool.clientId, Username: unconfirmed.name, Password: unconfirmed.password });
  await visitor.enter(unconfirmed);
  await visitor.problem(en.problems.confirmFirst);
  await visitor.press(en.confirmSignUp.again);
  await expect(page.getByRole('status')).toHaveText(en.notices.sentAgain);
  // Typed as it is read.
  await visitor.code.fill((await pool.lastCode(UserSub)).replace(/^.../, '$& '));
  await visitor.press(en.confirmSignUp.button);
  await expect(page.getByRole('status')).toHaveText(en.notices.confirmed);
});

test('6. comes back after a lost phone, whose codes are refused then', async ({ visitor, person, page }) => {
  const lost = person.authenticator;
  await visitor.begin(person);
  await visitor.asksPasscode();
  await visitor.press(en.passcode.haveNeither);
  await visitor.sees(en.support.title);
  await expect(page.getByText(en.support.ask('support@example.com'))).toBeVisible();
  await visitor.press(en.back);
  await visitor.asksPasscode();
  await visitor.press(en.passcode.useRecoveryCode);
  await page.getByLabel(en.recoveryCode.lost).check();
  await visitor.recoveryCode.fill('ECX1-7V9Z-XHDP-AK0E');
  await visitor.press(en.continue);
  await visitor.problem(en.wrongRecoveryCode(2));
  await visitor.recoveryCode.fill(person.recoveryCodes[0]!);
  await visitor.press(en.continue);
  await expect(page.getByText(`${en.setUp.replaces} ${en.setUp.codeUsed}`)).toBeVisible();
  await expect(page.getByText(en.setUp.openNew)).toBeVisible();
  await visitor.setsUp();
  const codes = await visitor.keepsCodes();
  await visitor.isIn();
  await expect(page.getByRole('status')).toHaveText(en.notices.replaced);
  // The new phone is what was proven last.
  await expect(page.locator('dl')).toContainText(en.signedIn.factors.totp);
  await visitor.press(en.signedIn.signOut);
  await visitor.sees(en.signIn.title);
  await visitor.enter(person);
  await visitor.code.fill(lost.unusedPasscode());
  await visitor.problem(en.wrongPasscode(2));
  await visitor.typeRecoveryCode(person.recoveryCodes[1]!);
  await visitor.problem(en.wrongRecoveryCode(1));
  await visitor.recoveryCode.fill(codes[0]!);
  await visitor.press(en.continue);
  await visitor.isIn();
  // The one wrong passcode is the user's own, of a minute ago.
  const told = page.locator('main').getByText(en.signedIn.wrongPasscodes(1));
  await expect(told).toHaveCount(0);
  await page.reload();
  await visitor.isIn();
  await expect(told).toHaveCount(0);
});

test('7. gets new recovery codes, and the old ones are dead', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.isIn();
  await visitor.press(en.signedIn.newCodes);
  await expect(page.getByText(en.wishes.NEW_RECOVERY_CODES)).toBeVisible();
  await visitor.enter(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
  await expect(page.getByText(en.codes.earlier)).toBeVisible();
  const codes = await visitor.keepsCodes();
  await visitor.isIn();
  await expect(page.getByRole('status')).toHaveText(en.notices.codesKept);
  await visitor.press(en.signedIn.signOut);
  await visitor.sees(en.signIn.title);
  await visitor.enter(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[1]!);
  await visitor.problem(en.wrongRecoveryCode(2));
  await visitor.recoveryCode.fill(codes[1]!);
  await visitor.press(en.continue);
  await visitor.isIn();
});

test('8. begins a replacement after a recovery code, and keeps the app after all', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
  await visitor.isIn();
  await expect(page.getByText(en.signedIn.codeUsed)).toBeVisible();
  await expect(page.locator('main .button')).toHaveText([en.signedIn.anotherPhone]);
  await page.reload();
  await expect(page.getByText(en.signedIn.codeUsed)).toBeVisible();
  await visitor.press(en.signedIn.anotherPhone);
  await expect(page.getByLabel(en.email)).toHaveValue(person.name);
  await visitor.enter(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[1]!);
  await visitor.sees(en.setUp.newPhone);
  await visitor.press(en.setUp.keepOld);
  await visitor.isIn();
  await expect(page.getByRole('status')).toHaveText(`${en.notices.unchanged} ${en.notices.setUpLeft}`);
  await visitor.press(en.signedIn.signOut);
  await visitor.sees(en.signIn.title);
  await visitor.enter(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.isIn();
});

test('leaves the codes that were asked for, and the old ones stay valid', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.press(en.signedIn.newCodes);
  await visitor.enter(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
  await visitor.sees(en.codes.title);
  await visitor.recoveryCode.fill(person.recoveryCodes[1]!);
  await visitor.press(en.continue);
  await visitor.problem(en.notOneOfThese(2));
  await visitor.press(en.cancelSignIn);
  await expect(page.getByRole('status')).toHaveText(`${en.notices.changeLeft} ${en.notices.codesUnchanged} ${en.notices.earlierCodesWork} ${en.notices.codeUsed}`);
  await visitor.enter(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[1]!);
  await visitor.isIn();
});

test('leaves the codes of a new app, and gets new ones at the next sign-in', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson();
  await visitor.begin(person);
  const app = await visitor.setsUp();
  await visitor.sees(en.codes.title);
  const unseen = await page.locator('ul.codes li').allTextContents();
  await visitor.press(en.codes.later);
  await visitor.sees(en.signIn.title);
  await expect(page.getByRole('status')).toHaveText(en.notices.codesDue);
  await visitor.enter(person);
  await visitor.asksPasscode();
  await visitor.code.fill(app.unusedPasscode());
  await expect(page.getByText(en.codes.due(0))).toBeVisible();
  const codes = await visitor.keepsCodes();
  expect(codes).not.toContain(unseen[0]);
  await visitor.isIn();
});

test('reports wrong passcodes that were typed elsewhere', async ({ visitor, person, pool, page }) => {
  const [first, second, third, mine] = person.authenticator.wrongPasscodes(4);
  await expect(signInElsewhere(pool, person, { answer: first }, { answer: second }, { answer: third })).rejects.toThrow();
  await visitor.begin(person);
  await visitor.code.fill(mine!);
  await visitor.problem(en.wrongPasscode(2));
  await visitor.typeRecoveryCode(person.recoveryCodes[1]!);
  await visitor.isIn();
  await expect(page.locator('main')).toContainText(en.signedIn.wrongPasscodes(4));
});

test('a signed-in user goes back without a change, and stays signed in', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.press(en.signedIn.anotherPhone);
  await visitor.sees(en.signIn.title);
  await expect(page.getByLabel(en.password, { exact: true })).toBeFocused();
  await visitor.press(en.signIn.without);
  await visitor.isIn();
  await expect(page.getByRole('status')).toHaveText(en.notices.unchanged);
  await visitor.press(en.signedIn.anotherPhone);
  await page.goBack();
  await visitor.isIn();
  await visitor.press(en.signedIn.anotherPhone);
  await expect(page.getByRole('button', { name: en.signIn.signUp })).toHaveCount(0);
  await visitor.press(en.signIn.forgot);
  await visitor.sees(en.forgot.title);
  await visitor.press(en.back);
  await expect(page.getByText(en.wishes.REPLACE_AUTHENTICATOR)).toBeVisible();
  await visitor.press(en.signIn.without);
  await visitor.isIn();
  // The password ends the session: then there is none to go back to.
  await visitor.press(en.signedIn.anotherPhone);
  await visitor.enter({ ...person, name: person.name, password: 'Another-horse-9' });
  await visitor.problem(en.problems.wrongPassword);
  await visitor.press(en.signIn.without);
  await expect(page.getByText(en.wishes.REPLACE_AUTHENTICATOR)).toHaveCount(0);
  await expect(page.getByLabel(en.password, { exact: true })).toBeFocused();
});

test('proves the earlier phone before another one, and leaves', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.press(en.signedIn.anotherPhone);
  await visitor.enter(person);
  await visitor.asksPasscode();
  await expect(page.getByText(en.passcode.earlier)).toBeVisible();
  await visitor.press(en.cancelChange);
  await expect(page.getByRole('status')).toHaveText(en.notices.changeLeft);
  await visitor.enter(person);
  await visitor.asksPasscode();
  await expect(page.getByText(en.passcode.earlier)).toHaveCount(0);
  await expect(page.getByRole('button', { name: en.cancel, exact: true })).toBeVisible();
});

test('leaves the new phone, and reads what that cost', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.press(en.passcode.useRecoveryCode);
  await page.getByLabel(en.recoveryCode.lost).check();
  await visitor.recoveryCode.fill(person.recoveryCodes[0]!);
  await visitor.press(en.continue);
  await visitor.sees(en.setUp.newPhone);
  await visitor.press(en.cancelSignIn);
  await expect(page.getByRole('status')).toHaveText(`${en.notices.changeLeft} ${en.notices.setUpLeft} ${en.notices.codeUsed}`);
});

test('10. is given new recovery codes when fewer than three are left', async ({ visitor, person, pool, page }) => {
  for (const code of person.recoveryCodes.slice(0, 8)) await signInElsewhere(pool, person, { answer: code });
  await visitor.begin(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await expect(page.getByText(en.codes.due(2))).toBeVisible();
  await visitor.keepsCodes();
  await visitor.isIn();
});

test('reads why new recovery codes come', async ({ visitor, person, pool, page }) => {
  for (const code of person.recoveryCodes.slice(0, 8)) await signInElsewhere(pool, person, { answer: code });
  for (const [code, left] of [[person.recoveryCodes[8]!, 1], [person.recoveryCodes[9]!, 0]] as const) {
    await visitor.begin(person);
    await visitor.typeRecoveryCode(code);
    await expect(page.getByText(en.codes.due(left))).toBeVisible();
    await expect(page.getByText(en.codes.earlier)).toHaveCount(left);
    await expect(page.getByText(left ? en.codes.codeUsed(false) : en.codes.codeUsed(true))).toBeVisible();
    await visitor.press(en.cancelSignIn);
    const says = [en.notices.codesNotKept, left ? en.notices.earlierCodesWork : '', en.notices.codeUsed, left ? '' : en.notices.onlyTheApp];
    await expect(page.getByRole('status')).toHaveText(says.filter(Boolean).join(' '));
  }
});

test('keeps the earlier app where no codes are left, and gets new ones', async ({ visitor, person, pool, page }) => {
  for (const code of person.recoveryCodes.slice(0, 8)) await signInElsewhere(pool, person, { answer: code });
  await visitor.begin(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[8]!);
  await visitor.press(en.cancelSignIn);
  await visitor.enter(person);
  await visitor.press(en.passcode.useRecoveryCode);
  await page.getByLabel(en.recoveryCode.lost).check();
  await visitor.recoveryCode.fill(person.recoveryCodes[9]!);
  await visitor.press(en.continue);
  await visitor.sees(en.setUp.newPhone);
  await visitor.press(en.setUp.keepOld);
  await visitor.sees(en.codes.title);
  await expect(page.getByRole('status').first()).toHaveText(`${en.notices.unchanged} ${en.notices.setUpLeft}`);
  await expect(page.getByText(en.codes.appIsSetUp)).toHaveCount(0);
  await expect(page.getByText(en.codes.due(0))).toBeVisible();
  await visitor.keepsCodes();
  await visitor.isIn();
  await expect(page.getByRole('status')).toHaveText(en.notices.codesKept);
});

test('reads that the codes of the new phone were not kept', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
  await visitor.press(en.signedIn.anotherPhone);
  await visitor.enter(person);
  await visitor.typeRecoveryCode(person.recoveryCodes[1]!);
  const app = await visitor.setsUp();
  await visitor.sees(en.codes.title);
  await expect(page.getByText(en.codes.earlier)).toBeVisible();
  await expect(page.getByText(en.codes.newPhoneIsSetUp)).toBeVisible();
  await visitor.press(en.codes.later);
  await expect(page.getByRole('status')).toHaveText(`${en.notices.phoneReplaced} ${en.notices.earlierCodesWork} ${en.notices.codeUsed}`);
  await visitor.enter(person);
  await visitor.code.fill(app.unusedPasscode());
  await expect(page.getByText(en.codes.due(8))).toBeVisible();
});

test('signs in again after the tokens were revoked elsewhere', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.isIn();
  await stub(page, 'GetTokensFromRefreshToken', () => error('NotAuthorizedException', 'Refresh Token has been revoked'));
  await stub(page, 'InitiateAuth', () => error('NotAuthorizedException', 'Refresh Token has been revoked'));
  await visitor.press(en.signedIn.renew);
  await visitor.problem(en.problems.signedOut);
});
