// Every screen once, one after the other.

import { en, owner, stub, Visitor, type Pool } from './bed.ts';

export async function tour(visitor: Visitor, pool: Pool, show: (screen: string) => Promise<void>) {
  const { page } = visitor;
  /** Changes the parameters of the next challenges. */
  let change: object = {};
  await stub(page, 'RespondToAuthChallenge', async (_, passOn) => {
    const response = await passOn();
    if (response.json.ChallengeParameters?.challenge) Object.assign(response.json.ChallengeParameters, change);
    return response;
  });
  const person = await owner(pool);

  await page.route('**/config.json', (route) => route.fulfill({ status: 404, body: '' }));
  await page.goto(pool.endpoint);
  await visitor.sees(en.broken.title);
  await show('not-set-up');
  await page.unroute('**/config.json');

  await visitor.open();
  await show('sign-in');
  await visitor.press(en.signIn.button);
  await visitor.problem(en.problems.missingInput);
  await show('sign-in-problem');
  await visitor.press(en.signIn.signUp);
  await show('sign-up');
  const newcomer = `newcomer-${crypto.randomUUID()}@example.com`;
  await page.getByLabel(en.email).fill(newcomer);
  await page.getByLabel(en.newPassword, { exact: true }).fill('Correct-horse-9');
  await visitor.press(en.signUp.button);
  await visitor.sees(en.confirmSignUp.title(newcomer));
  await show('confirm-sign-up');
  await visitor.press(en.cancel);
  await visitor.press(en.signIn.forgot);
  await show('forgot');
  await page.getByLabel(en.email).fill(person.name);
  await visitor.press(en.forgot.button);
  await page.getByLabel(en.messageCode).waitFor();
  await show('reset-password');

  await visitor.begin(await pool.newPerson({ temporaryPassword: true }));
  await visitor.sees(en.newPasswordScreen.title);
  await show('new-password');
  change = { challenge: 'SECOND_FACTOR_OFFER' };
  await page.getByLabel(en.newPassword, { exact: true }).fill('Another-horse-9');
  await visitor.press(en.continue);
  await visitor.sees(en.offer.title);
  await show('offer');

  change = {};
  await visitor.begin(await pool.newPerson());
  await visitor.sees(en.setUp.title);
  await page.locator('.qr svg').waitFor();
  await show('set-up');
  await page.getByText(en.setUp.cannotScan).click();
  await page.getByText(en.setUp.haveNone).click();
  await visitor.code.fill('12');
  await visitor.press(en.continue);
  await visitor.problem(en.notAPasscode('6'));
  await show('set-up-problem');
  await visitor.setsUp();
  await visitor.sees(en.codes.title);
  await show('codes');
  await visitor.keepsCodes();
  await visitor.isIn();
  await show('signed-in');
  await visitor.press(en.signedIn.signOut);
  await visitor.sees(en.signIn.title);

  await visitor.begin(person);
  await visitor.asksPasscode();
  await visitor.typeRecoveryCode(person.recoveryCodes[0]!);
  await visitor.isIn();
  await show('signed-in-by-recovery-code');
  await visitor.press(en.signedIn.signOut);
  await visitor.sees(en.signIn.title);

  await visitor.begin(await pool.newPerson());
  await visitor.setsUp();
  await visitor.sees(en.codes.title);
  await visitor.press(en.codes.later);
  await show('sign-in-codes-due');

  await visitor.begin(person);
  await visitor.asksPasscode();
  await show('passcode');
  await visitor.code.fill(person.authenticator.wrongPasscodes(1)[0]!);
  await visitor.problem(en.wrongPasscode(2));
  await show('passcode-problem');
  await visitor.press(en.passcode.useRecoveryCode);
  await show('recovery-code');
  await visitor.press(en.passcode.haveNeither);
  await show('support');

  for (const [screen, shown, changed] of [
    ['passcode-waiting', 'passcode', { retryAfterSeconds: '27' }],
    ['stopped', 'recoveryCode', { accepts: 'RECOVERY_CODE' }],
    ['remove', 'remove', { challenge: 'REMOVE_AUTHENTICATOR' }],
    ['remove-waiting', 'remove', { challenge: 'REMOVE_AUTHENTICATOR', retryAfterSeconds: '27' }],
    ['problem', 'problem', { challenge: 'PUSH' }],
  ] as const) {
    change = changed;
    await visitor.begin(person);
    await page.locator(`[data-screen=${shown}]`).waitFor();
    await show(screen);
  }
}
