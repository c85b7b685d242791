// What a page is: reloaded, left and come back to, in two tabs, without a clipboard, by keyboard, in four languages.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

import type { Page } from '@playwright/test';

import { texts as de } from '../src/texts/de.ts';
import { texts as ja } from '../src/texts/ja.ts';
import { texts as zh } from '../src/texts/zh.ts';
import { en, expect, owner, startPool, test, Visitor, watch, type Person } from './bed.ts';

const DIST = new URL('../dist/', import.meta.url);

test('29. begins again after a reload, and says why', async ({ visitor, person, pool, page }) => {
  const screens: ((visitor: Visitor) => Promise<void>)[] = [
    (visitor) => visitor.asksPasscode(),
    (visitor) => visitor.press(en.passcode.useRecoveryCode),
    (visitor) => visitor.press(en.passcode.haveNeither),
  ];
  for (const reach of screens) {
    await visitor.begin(person);
    await reach(visitor);
    await page.reload();
    await visitor.sees(en.signIn.title);
    await visitor.problem(en.problems.begunAgain);
  }
  await visitor.enter(await pool.newPerson());
  await visitor.setsUp();
  await visitor.sees(en.codes.title);
  await page.goto('about:blank');
  await page.goBack();
  await visitor.sees(en.signIn.title);
  await visitor.problem(en.problems.begunAgain);
  await expect(page.getByRole('status')).toHaveText(en.notices.codesDue);
  await page.reload();
  await visitor.problem('');
});

test('29. goes back one screen with the browser\'s Back button', async ({ visitor, person, page }) => {
  await page.goto('about:blank');
  await visitor.begin(person);
  await visitor.press(en.passcode.useRecoveryCode);
  await visitor.press(en.passcode.haveNeither);
  await visitor.sees(en.support.title);
  await page.goBack();
  await visitor.sees(en.recoveryCode.title);
  await page.goBack();
  await visitor.asksPasscode();
  await page.goBack();
  await visitor.sees(en.signIn.title);
  await visitor.problem('');
  for (const leave of [() => page.goBack(), () => visitor.press(en.back)]) {
    await visitor.press(en.signIn.forgot);
    await visitor.sees(en.forgot.title);
    await leave();
    await visitor.sees(en.signIn.title);
  }
  // Faster than the history follows.
  await visitor.press(en.signIn.forgot);
  await visitor.sees(en.forgot.title);
  await page.evaluate(async ([back, forgot]) => {
    const followed = new Promise((resolve) => { addEventListener('popstate', resolve, { once: true }); });
    const press = (name: string) => [...document.querySelectorAll('button')].find(({ textContent }) => textContent === name)!.click();
    for (const name of [back!, forgot!, back!, forgot!]) press(name);
    await followed;
  }, [en.back, en.signIn.forgot]);
  await visitor.sees(en.forgot.title);
  await page.goBack();
  await visitor.sees(en.signIn.title);
  await expect.poll(() => page.evaluate(() => history.state)).toBe(null);
  // From the first screen it leaves the page.
  await page.goBack();
  expect(page.url()).toBe('about:blank');
});

test('29. stays signed in over a reload, and a new tab is not', async ({ visitor, person, pool, page }) => {
  await visitor.begin(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.isIn();
  await page.reload();
  await visitor.isIn();
  await page.goto('about:blank');
  await page.goBack();
  await visitor.isIn();
  const other = new Visitor(await page.context().newPage(), pool);
  await other.open();
});

test('30. two tabs set up an app: the second is told to begin again', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson();
  const other = new Visitor(await page.context().newPage(), pool);
  await visitor.begin(person);
  await visitor.sees(en.setUp.title);
  await other.begin(person);
  await other.sees(en.setUp.title);
  await visitor.setsUp();
  await visitor.keepsCodes();
  await visitor.isIn();
  await other.setsUp();
  await other.sees(en.signIn.title);
  await other.problem(en.problems.tryAgain);
});

test('31. selects codes without a clipboard, downloads and prints them', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson();
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    window.print = () => document.body.setAttribute('data-printed', '');
  });
  await visitor.begin(person);
  await visitor.setsUp();
  await visitor.sees(en.codes.title);
  const codes = await page.locator('ul.codes li').allTextContents();
  await visitor.press(en.codes.copy);
  await expect(page.getByText(en.codes.selected)).toBeVisible();
  expect((await page.evaluate(() => getSelection()!.toString())).split(/\s+/).filter(Boolean)).toEqual(codes);
  const [download] = await Promise.all([page.waitForEvent('download'), visitor.press(en.codes.download)]);
  expect(download.suggestedFilename()).toBe('recovery-codes.txt');
  const lines = (await readFile((await download.path())!, 'utf8')).split('\r\n');
  expect(lines[0]).toContain(person.name);
  expect(lines.slice(1, -1)).toEqual([en.codes.use, '', ...codes]);
  await visitor.press(en.codes.print);
  await expect(page.locator('body')).toHaveAttribute('data-printed', '');
  await expect(page.getByText(en.codes.downloaded(en.codes.file))).toHaveCount(0);
  await page.emulateMedia({ media: 'print' });
  await expect(page.locator('ul.codes')).toBeVisible();
  await expect(page.getByText(en.codes.use)).toBeVisible();
  for (const button of [en.codes.print, en.continue, en.codes.later]) await expect(page.getByRole('button', { name: button })).toBeHidden();
});

test('31. copies the codes and the key where there is one', async ({ visitor, pool, page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await visitor.begin(await pool.newPerson());
  await page.getByText(en.setUp.cannotScan).click();
  await visitor.press(en.setUp.copyKey);
  await expect(page.getByText(en.codes.copied)).toBeVisible();
  const { secretCode } = await visitor.setsUp();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secretCode);
  await visitor.sees(en.codes.title);
  await visitor.press(en.codes.copy);
  await expect(page.getByText(en.codes.copied)).toBeVisible();
  const copied = (await page.evaluate(() => navigator.clipboard.readText())).split('\n');
  expect(copied.slice(1, 3)).toEqual([en.codes.use, '']);
  expect(copied.filter((line) => /^[0-9A-Z-]{19}$/.test(line))).toHaveLength(10);
});

test('32. is used by keyboard alone', async ({ visitor, pool, page }) => {
  const person = await pool.newPerson();
  await visitor.open();
  await page.keyboard.type(person.name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(person.password);
  await page.keyboard.press('Enter');
  await visitor.sees(en.setUp.title);
  const found = page.getByRole('heading', { name: en.setUp.title });
  await expect(found).toBeFocused();
  for (const name of [en.setUp.haveNone, en.setUp.cannotScan]) {
    await page.keyboard.press('Tab');
    await expect(page.getByText(name)).toBeFocused();
  }
  await page.keyboard.press('Enter');
  await expect(page.locator('.key')).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: en.setUp.copyKey })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(visitor.code).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByLabel(en.setUp.deviceName)).toBeFocused();
});

test.describe(() => {
  test.use({ hasTouch: true, isMobile: true });
  test('32. has a link to the app that a finger hits, and a gap before what was copied', async ({ visitor, pool, page }) => {
    await visitor.begin(await pool.newPerson());
    const link = page.getByRole('link', { name: en.setUp.onThisDevice });
    expect((await link.boundingBox())!.height).toBeGreaterThanOrEqual(24);
    await page.getByText(en.setUp.cannotScan).click();
    const copyKey = page.getByRole('button', { name: en.setUp.copyKey });
    await copyKey.click();
    const [button, said] = [(await copyKey.boundingBox())!, (await page.locator('.said').boundingBox())!];
    expect(Math.max(said.x - button.x - button.width, said.y - button.y - button.height)).toBeGreaterThanOrEqual(4);
  });
});

/** Nothing sticks out at the side, where a person would have to scroll in two directions. */
async function fits(page: Page) {
  const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(wide).toBeLessThanOrEqual(seen!);
}

test('32. fits 320 px with large text, no motion and forced colors', async ({ visitor, pool, page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await page.emulateMedia({ reducedMotion: 'reduce', forcedColors: 'active' });
  await visitor.open();
  await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
  await fits(page);
  await visitor.enter(await pool.newPerson());
  await visitor.sees(en.setUp.title);
  await expect(page.locator('.qr rect')).toHaveCSS('fill', 'rgb(255, 255, 255)');
  await page.getByText(en.setUp.cannotScan).click();
  await fits(page);
  await visitor.setsUp();
  await visitor.sees(en.codes.title);
  await fits(page);
  await visitor.keepsCodes();
  await visitor.isIn();
  await fits(page);
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});

for (const [locale, language, texts] of [['en-GB', 'en', en], ['de-AT', 'de', de], ['ja-JP', 'ja', ja], ['zh-CN', 'zh', zh], ['fi-FI', 'en', en]] as const) {
  test.describe(() => {
    test.use({ locale });
    test(`32. speaks ${language} to ${locale}, and loads no other language`, async ({ visitor, page, pool }) => {
      const loaded: string[] = [];
      page.on('request', (request) => loaded.push(new URL(request.url()).pathname));
      await page.goto(pool.endpoint);
      await visitor.sees(texts.signIn.title);
      await expect(page.locator('html')).toHaveAttribute('lang', language);
      expect(loaded.filter((path) => /^\/(en|de|ja|zh)\.js$/.test(path))).toEqual([`/${language}.js`]);
    });
  });
}

test.describe(() => {
  test.use({ locale: 'de-DE', viewport: { width: 320, height: 640 } });
  test('32. breaks German headings at syllables, and keeps soft hyphens out of the title', async ({ visitor, person, pool, page }) => {
    await page.goto(pool.endpoint);
    await page.getByLabel(de.email).fill(person.name);
    await page.getByLabel(de.password, { exact: true }).fill(person.password);
    await visitor.press(de.signIn.button);
    await visitor.press(de.passcode.useRecoveryCode);
    await expect(page.locator('h1')).toContainText('Wieder\u00adherstellungs\u00adcode');
    await fits(page);
    await expect(page).toHaveTitle(/^Geben Sie einen Wiederherstellungscode ein/);
  });
});

test('loads at most 50 kB in any language before it is seen', async () => {
  const sizes = async (...names: string[]) => {
    const files = await Promise.all(names.map((name) => readFile(new URL(name, DIST))));
    return files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  };
  for (const language of ['en', 'de', 'ja', 'zh']) {
    expect(await sizes('index.html', 'app.js', 'app.css', `${language}.js`)).toBeLessThanOrEqual(50_000);
  }
});

test('an operator’s test user signs in where nobody can sign up', async ({ browser }) => {
  const pool = await startPool();
  const page = await browser.newPage();
  const keptPromises = watch(page, [pool.endpoint]);
  const visitor = new Visitor(page, pool);
  await visitor.open();
  await expect(page.getByRole('button', { name: en.signIn.signUp })).toHaveCount(0);
  await visitor.press(en.local.create);
  const message = await page.getByText(/^Temporary password of/).textContent();
  const [, name, password] = message!.match(/of (\S+): (.+)$/)!;
  await visitor.enter({ name: name!, password: password! });
  await visitor.sees(en.newPasswordScreen.title);
  await keptPromises();
  await page.close();
  await pool.stop();
});

test('runs from another origin, as at AWS', async ({ browser }) => {
  const config: { [name: string]: string } = { service: 'Example' };
  const server = createServer(async (request, response) => {
    const path = request.url === '/' ? 'index.html' : request.url!.slice(1);
    const types: { [ending: string]: string } = { html: 'text/html', js: 'text/javascript', css: 'text/css', json: 'application/json' };
    response.setHeader('content-type', types[path.split('.').at(-1)!] ?? 'text/plain');
    response.setHeader('content-security-policy',
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ${config['userPoolEndpoint']}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`);
    response.end(path === 'config.json' ? JSON.stringify(config) : await readFile(new URL(path, DIST)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = await startPool('--allow-origin', origin);
  Object.assign(config, { userPoolId: pool.userPoolId, userPoolClientId: pool.clientId, userPoolEndpoint: pool.endpoint });
  const person: Person = await owner(pool);
  const page = await browser.newPage();
  const keptPromises = watch(page, [origin, pool.endpoint]);
  const visitor = new Visitor(page, pool);
  await page.goto(origin);
  await visitor.enter(person);
  await visitor.code.fill(person.authenticator.unusedPasscode());
  await visitor.isIn();
  await expect(page).toHaveTitle(`${en.signedIn.title} – Example`);
  await expect(page.getByRole('complementary')).toHaveCount(0);
  await keptPromises();
  await page.close();
  await pool.stop();
  server.close();
});

test('says that it is not set up where config.json is missing', async ({ page, pool, visitor }) => {
  await page.route('**/config.json', (route) => route.fulfill({ status: 404, body: '' }));
  await page.goto(pool.endpoint);
  await visitor.sees(en.broken.title);
  await page.unroute('**/config.json');
  await visitor.press(en.reload);
  await visitor.sees(en.signIn.title);
});
