// Connections, servers and clocks that fail.

import { en, error, expect, stub, test } from './bed.ts';

test('22. keeps what was typed without a connection, and asks for the passcode that is shown then', async ({ visitor, person, context }) => {
  await visitor.begin(person);
  await visitor.asksPasscode();
  const passcode = person.authenticator.unusedPasscode();
  await context.setOffline(true);
  await visitor.code.fill(passcode);
  await visitor.problem(en.problems.offline);
  await expect(visitor.code).toHaveValue(passcode);
  await context.setOffline(false);
  await visitor.problem('');
  await expect(visitor.page.getByRole('status')).toHaveText(en.notices.backOnline);
  await expect(visitor.code).toHaveValue('');
  await expect(visitor.code).toBeFocused();
  await visitor.code.fill(passcode);
  await visitor.isIn();
});

test('23. says that an answer may have counted whose response was lost', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.asksPasscode();
  let answers = 0;
  await page.route((url) => url.pathname === '/', async (route, request) => {
    if (request.method() !== 'POST' || ++answers > 1) return route.fallback();
    await route.fetch();
    return route.abort();
  });
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.sees(en.signIn.title);
  await visitor.problem(en.problems.answerLost);
  // Amplify has sent it twice.
  expect(answers).toBe(2);
});

test('24. waits where it is when throttled, and begins again after a fault', async ({ visitor, person, page }) => {
  let fault = error('TooManyRequestsException');
  await visitor.begin(person);
  await visitor.press(en.passcode.useRecoveryCode);
  await stub(page, 'RespondToAuthChallenge', () => fault);
  await visitor.recoveryCode.fill(person.recoveryCodes[0]!);
  await visitor.press(en.continue);
  await visitor.problem(en.problems.tooManyRequests);
  await expect(visitor.recoveryCode).toHaveValue(person.recoveryCodes[0]!);
  fault = error('InternalErrorException', '', 500);
  await visitor.press(en.continue);
  await visitor.sees(en.signIn.title);
  await visitor.problem(en.problems.tryAgain);
});

for (const [name, fault, problem] of [
  ['25. a trigger failed', error('UserLambdaValidationException'), en.problems.tryAgain],
  ['26. the session has expired', error('NotAuthorizedException', 'Invalid session for the user, session is expired.'), en.problems.expired],
  ['a firewall refuses', error('ForbiddenException'), en.unexpected('ForbiddenException')],
] as const) {
  test(`${name}: begins again and says so`, async ({ visitor, person, page }) => {
    await visitor.begin(person);
    await visitor.asksPasscode();
    await stub(page, 'RespondToAuthChallenge', () => fault);
    await visitor.code.fill('123456');
    await visitor.sees(en.signIn.title);
    await visitor.problem(problem);
    await expect(page.getByLabel(en.email)).toHaveValue(person.name);
  });
}

for (const [name, change] of [
  ['a challenge that it does not know', { challenge: 'PUSH' }],
  ['a challenge with a parameter missing', { passcodeDigits: undefined }],
] as const) {
  test(`27. offers to reload at ${name}`, async ({ visitor, person, page }) => {
    await stub(page, 'RespondToAuthChallenge', async (_, passOn) => {
      const response = await passOn();
      Object.assign(response.json.ChallengeParameters, change);
      return response;
    });
    await visitor.begin(person);
    await visitor.sees(en.problemTitle);
    await visitor.problem(en.problems.newerServer);
    await visitor.press(en.reload);
    await visitor.sees(en.signIn.title);
  });
}

test('28. signs in with a clock five minutes fast, and shows the right time', async ({ visitor, person, page }) => {
  const [first, second] = person.authenticator.wrongPasscodes(2);
  await page.clock.install({ time: Date.now() + 5 * 60_000 });
  await visitor.begin(person);
  await visitor.code.fill(first!);
  await visitor.problem(en.wrongPasscode(2));
  await visitor.code.fill(second!);
  await visitor.problem(/now: turn on automatic time/);
  const shown = (await page.locator('#problem').textContent())!.match(/It is (.*) now/)![1]!;
  const here = [-60_000, 0].map((off) => new Intl.DateTimeFormat('en', { timeStyle: 'short' }).format(Date.now() + off));
  expect(here).toContain(shown);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.isIn();
});
