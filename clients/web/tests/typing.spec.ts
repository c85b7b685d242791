// However an answer is typed, pasted or filled in.

import { en, expect, stubChallenge, test } from './bed.ts';

for (const [name, between, wide] of [['a line end', '\n', false], ['a no-break space', '\u00a0', false], ['full-width digits', ' ', true]] as const) {
  test(`17. takes a pasted passcode with ${name}`, async ({ visitor, person, page }) => {
    await visitor.begin(person);
    await visitor.asksPasscode();
    let passcode = person.authenticator.unusedPasscode();
    if (wide) passcode = [...passcode].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join('');
    await page.keyboard.insertText(`${passcode.slice(0, 3)} ${passcode.slice(3)}${between}`);
    await visitor.isIn();
  });
}

test('18. waits for an input method to end its composition', async ({ visitor, person, page, browserName }) => {
  expect(browserName).toBe('chromium');
  await visitor.begin(person);
  await visitor.asksPasscode();
  const sent = visitor.calls.length;
  const passcode = person.authenticator.unusedPasscode();
  const session = await page.context().newCDPSession(page);
  await session.send('Input.imeSetComposition', { text: passcode, selectionStart: 6, selectionEnd: 6 });
  await expect(visitor.code).toHaveValue(passcode);
  expect(visitor.calls).toHaveLength(sent);
  await session.send('Input.insertText', { text: passcode });
  await visitor.isIn();
});

test('19. takes what a password manager fills in', async ({ visitor, person }) => {
  await visitor.begin(person);
  await visitor.asksPasscode();
  await visitor.code.evaluate((field: HTMLInputElement, passcode) => {
    field.value = passcode;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }, person.authenticator.unusedPasscode());
  await visitor.isIn();
});

test('20. takes a recovery code in small letters, with spaces and dashes', async ({ visitor, person }) => {
  await visitor.begin(person);
  await visitor.typeRecoveryCode(` ${person.recoveryCodes[0]!.toLowerCase().replaceAll('-', ' – ')}\u00a0`);
  await visitor.isIn();
});

test('20. takes a recovery code in the field of the passcode, too', async ({ visitor, person }) => {
  await visitor.begin(person);
  await visitor.asksPasscode();
  await visitor.code.fill('12345');
  await visitor.press(en.continue);
  await visitor.problem(en.notAPasscode('6'));
  await visitor.code.fill(person.recoveryCodes[0]!);
  await visitor.press(en.continue);
  await visitor.isIn();
});

test('21. sends once on a double click and on Enter twice', async ({ visitor, person, page }) => {
  await visitor.begin(person);
  await visitor.press(en.passcode.useRecoveryCode);
  const sent = visitor.calls.length;
  await visitor.recoveryCode.fill('ECX1-7V9Z-XHDP-AK0E');
  await page.getByRole('button', { name: en.continue }).dblclick();
  await visitor.problem(en.wrongRecoveryCode(2));
  expect(visitor.calls).toHaveLength(sent + 1);
  await visitor.recoveryCode.fill(person.recoveryCodes[0]!);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await visitor.isIn();
  expect(visitor.calls).toHaveLength(sent + 2);
});

test('sends nothing by itself where passcodes have two lengths', async ({ visitor, person, page }) => {
  await stubChallenge(page, 'SECOND_FACTOR', { passcodeDigits: '6 8' });
  await visitor.begin(person);
  await visitor.sees(en.passcode.title(`6${en.or}8`));
  const sent = visitor.calls.length;
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await expect(page.locator('#hint')).toHaveText('');
  expect(visitor.calls).toHaveLength(sent);
  await visitor.press(en.continue);
  await visitor.isIn();
});
