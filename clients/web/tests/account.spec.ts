// Creating an account and resetting a password: whatever fails there, the screen stays, and says what to do next.

import { en, error, expect, newcomer, stub, test, type Person, type Visitor } from './bed.ts';

const { problems } = en;

async function fillIn(visitor: Visitor, person: { name: string; password: string }) {
  await visitor.page.getByLabel(en.email).fill(person.name);
  await visitor.page.getByLabel(en.newPassword, { exact: true }).fill(person.password);
}

async function signUp(visitor: Visitor, person: { name: string; password: string }) {
  await visitor.open();
  await visitor.press(en.signIn.signUp);
  await fillIn(visitor, person);
  await visitor.press(en.signUp.button);
}

for (const address of ['ana', 'x@y', 'ana@example', 'ana maria@example.com']) {
  test(`an address such as ${address} is not sent, and can be corrected`, async ({ visitor, page }) => {
    const person = newcomer(address);
    await signUp(visitor, person);
    await visitor.problem(problems.addressFormat);
    await visitor.sees(en.signUp.title);
    const email = page.getByLabel(en.email);
    await expect(email).toBeFocused();
    await expect(email).toHaveValue(address);
    await expect(email).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByLabel(en.newPassword, { exact: true })).toHaveValue(person.password);
    expect(visitor.calls).toEqual([]);
    const right = `ana-${crypto.randomUUID()}@example.com`;
    await email.fill(right);
    await visitor.press(en.signUp.button);
    await visitor.sees(en.confirmSignUp.title(right));
  });
}

for (const [fault, problem] of [
  [error('InvalidParameterException', 'Invalid email address format.'), problems.addressFormat],
  [error('InvalidParameterException', "1 validation error detected: Value at 'password' failed to satisfy constraint"), problems.passwordRules],
  [error('InvalidPasswordException'), problems.passwordRules],
  [error('UsernameExistsException'), problems.userExists],
  [error('CodeDeliveryFailureException'), problems.notSent],
  [error('NotAuthorizedException', 'SignUp is not permitted for this user pool'), problems.signUpRefused],
  [error('UserLambdaValidationException', 'PreSignUp failed with error'), problems.signUpRefused],
  [error('LimitExceededException'), problems.tooManyAttempts],
  [error('TooManyRequestsException'), problems.tooManyRequests],
  [error('InternalErrorException', '', 500), problems.tryOnceMore],
  [error('ForbiddenException'), en.unexpected('ForbiddenException')],
] as const) {
  test(`a sign-up that ends with ${fault.json.__type} ${fault.json.message.slice(0, 40)} keeps what was typed`, async ({ visitor, page }) => {
    const person = newcomer(`ana-${crypto.randomUUID()}@example.com`);
    await stub(page, 'SignUp', () => fault);
    await signUp(visitor, person);
    await visitor.problem(problem);
    await visitor.sees(en.signUp.title);
    await expect(page.getByLabel(en.email)).toHaveValue(person.name);
    await expect(page.getByLabel(en.newPassword, { exact: true })).toHaveValue(person.password);
  });
}

test('a sign-up without a connection keeps what was typed', async ({ visitor, context }) => {
  const person = newcomer(`ana-${crypto.randomUUID()}@example.com`);
  await visitor.open();
  await visitor.press(en.signIn.signUp);
  await fillIn(visitor, person);
  await context.setOffline(true);
  await visitor.press(en.signUp.button);
  await visitor.problem(problems.offline);
  await context.setOffline(false);
  await visitor.problem('');
  await visitor.press(en.signUp.button);
  await visitor.sees(en.confirmSignUp.title(person.name));
});

test('an address that was not confirmed is confirmed at the next sign-in, and the page says so', async ({ visitor, page }) => {
  const person = newcomer(`ana-${crypto.randomUUID()}@example.com`);
  await signUp(visitor, person);
  await visitor.sees(en.confirmSignUp.title(person.name));
  await page.reload();
  await visitor.problem(problems.begunAgain);
  await expect(page.getByRole('status')).toHaveText(en.notices.confirmLater);
  await visitor.enter(person);
  await visitor.sees(en.confirmSignUp.title(person.name));
  await visitor.press(en.cancel);
  await expect(page.getByRole('status')).toHaveText(en.notices.confirmLater);
});

test('the code of a sign-up: wrong, too old, not sent, already confirmed', async ({ visitor, pool, page }) => {
  const person = newcomer(`ana-${crypto.randomUUID()}@example.com`);
  await signUp(visitor, person);
  await visitor.press(en.confirmSignUp.button);
  await visitor.problem(problems.missingCode);
  await visitor.code.fill('000000');
  await visitor.press(en.confirmSignUp.button);
  await visitor.problem(problems.wrongMessageCode);
  await expect(visitor.code).toHaveValue('000000');
  let fault = error('ExpiredCodeException');
  await stub(page, 'ConfirmSignUp', () => fault);
  await stub(page, 'ResendConfirmationCode', () => fault);
  for (const [next, button, problem] of [
    [error('ExpiredCodeException'), en.confirmSignUp.button, problems.oldMessageCode],
    [error('TooManyFailedAttemptsException'), en.confirmSignUp.button, problems.tooManyAttempts],
    [error('InvalidParameterException'), en.confirmSignUp.button, problems.wrongMessageCode],
    [error('AliasExistsException'), en.confirmSignUp.button, problems.userExists],
    [error('UserLambdaValidationException', 'PostConfirmation failed with error'), en.confirmSignUp.button, problems.tryOnceMore],
    [error('LimitExceededException'), en.confirmSignUp.again, problems.tooManyAttempts],
    [error('CodeDeliveryFailureException'), en.confirmSignUp.again, problems.notSent],
    [error('InvalidParameterException', 'User is already confirmed.'), en.confirmSignUp.again, problems.alreadyConfirmed],
  ] as const) {
    fault = next;
    await visitor.press(button);
    await visitor.problem(problem);
    await visitor.sees(en.confirmSignUp.title(person.name));
  }
  await page.unrouteAll();
  await pool.call('AdminConfirmSignUp', { UserPoolId: pool.userPoolId, Username: person.name });
  await visitor.press(en.confirmSignUp.button);
  await visitor.problem(problems.alreadyConfirmed);
  await visitor.press(en.cancel);
  await visitor.enter(person);
  await visitor.sees(en.setUp.title);
});

test('a forgotten password: whatever fails, the screen stays', async ({ visitor, person, pool, page }) => {
  let fault = error('CodeDeliveryFailureException');
  await stub(page, 'ForgotPassword', () => fault);
  await stub(page, 'ConfirmForgotPassword', () => fault);
  await visitor.open();
  await visitor.press(en.signIn.forgot);
  await page.getByLabel(en.email).fill(person.name);
  for (const [next, problem] of [
    [error('CodeDeliveryFailureException'), problems.notSent],
    [error('LimitExceededException'), problems.tooManyAttempts],
    [error('InvalidParameterException', 'Cannot reset password for the user as there is no registered/verified email'), problems.noReset],
    [error('NotAuthorizedException', 'User password cannot be reset in the current state.'), problems.noReset],
    [error('UserNotFoundException'), problems.noReset],
    [error('InternalErrorException', '', 500), problems.tryOnceMore],
  ] as const) {
    fault = next;
    await visitor.press(en.forgot.button);
    await visitor.problem(problem);
    await expect(page.getByLabel(en.email)).toHaveValue(person.name);
  }
  await page.unrouteAll();
  await visitor.press(en.forgot.button);
  await stub(page, 'ConfirmForgotPassword', () => fault);
  const password = page.getByLabel(en.newPassword, { exact: true });
  await page.getByLabel(en.messageCode).fill((await pool.lastCode(person.userName)).replace(/^.../, '$& '));
  await password.fill('Another-horse-9');
  for (const [next, problem] of [
    [error('ExpiredCodeException'), problems.oldMessageCode],
    [error('InvalidPasswordException'), problems.passwordRules],
    [error('PasswordHistoryPolicyViolationException'), problems.passwordUsed],
    [error('InvalidParameterException', "Value at 'password' failed to satisfy constraint"), problems.passwordRules],
    [error('LimitExceededException'), problems.tooManyAttempts],
    [error('NotAuthorizedException'), problems.noReset],
    [error('UserLambdaValidationException'), problems.tryOnceMore],
  ] as const) {
    fault = next;
    await password.fill('Another-horse-9');
    await visitor.press(en.resetPassword.button);
    await visitor.problem(problem);
    await expect(page.getByLabel(en.messageCode)).not.toHaveValue('');
  }
  await page.unrouteAll();
  await password.fill('Another-horse-9');
  await visitor.press(en.resetPassword.button);
  await expect(page.getByRole('status')).toHaveText(en.notices.passwordSet);
});

test('an address without an account gets the same answer as one with an account', async ({ visitor, page }) => {
  const nobody: Pick<Person, 'name'> = newcomer(`nobody-${crypto.randomUUID()}@example.com`);
  await visitor.open();
  await visitor.press(en.signIn.forgot);
  await page.getByLabel(en.email).fill(nobody.name);
  await visitor.press(en.forgot.button);
  await expect(page.getByText(en.resetPassword.text(nobody.name))).toBeVisible();
});

test('a password is not reset for what is no address', async ({ visitor, page }) => {
  await visitor.open();
  await visitor.press(en.signIn.forgot);
  await page.getByLabel(en.email).fill('ana');
  await visitor.press(en.forgot.button);
  await visitor.problem(problems.addressFormat);
  expect(visitor.calls).toEqual([]);
});

test('a wrong address is corrected where its code is asked for', async ({ visitor, page }) => {
  const person = newcomer(`ana-${crypto.randomUUID()}@example.com`);
  await signUp(visitor, person);
  await visitor.press(en.confirmSignUp.wrongAddress);
  await visitor.sees(en.signUp.title);
  await expect(page.getByLabel(en.email)).toHaveValue(person.name);
});

for (const [from, way] of [['the sign-up', 'signUp'], ['the forgotten password', 'forgot']] as const) {
  test(`an account whose address was never confirmed is confirmed from ${from}, without its password`, async ({ visitor, pool, page }) => {
    const person = newcomer(`ana-${crypto.randomUUID()}@example.com`);
    const { UserSub } = await pool.call('SignUp', { ClientId: pool.clientId, Username: person.name, Password: person.password });
    await stub(page, 'ForgotPassword', () => error('InvalidParameterException', 'Cannot reset password for the user as there is no registered/verified email'));
    await visitor.open();
    await visitor.press(en.signIn[way]);
    await expect(page.getByRole('button', { name: en.confirmSignUp.address })).toHaveCount(0);
    await page.getByLabel(en.email).fill(person.name);
    if (way === 'signUp') await page.getByLabel(en.newPassword, { exact: true }).fill('Another-horse-9');
    await visitor.press(en[way].button);
    await visitor.problem(way === 'signUp' ? problems.userExists : problems.noReset);
    await visitor.press(en.confirmSignUp.address);
    await visitor.sees(en.confirmSignUp.title(person.name));
    await expect(page.getByRole('status')).toHaveText(en.notices.sentAgain);
    await visitor.code.fill(await pool.lastCode(UserSub));
    await visitor.press(en.confirmSignUp.button);
    await expect(page.getByRole('status')).toHaveText(en.notices.confirmed);
  });
}

test('an account that is there already is one press from its sign-in and its password', async ({ visitor, person, page }) => {
  for (const [button, title] of [[en.signIn.button, en.signIn.title], [en.signIn.forgot, en.forgot.title]] as const) {
    await signUp(visitor, person);
    await visitor.problem(problems.userExists);
    await visitor.press(button);
    await visitor.sees(title);
    await expect(page.getByLabel(en.email)).toHaveValue(person.name);
  }
});
