// What every scenario has: a local pool of its worker, a person, and a page that must keep its promises.

import { test as base, expect, type Page, type Request } from '@playwright/test';

import * as amplify from '../../amplify.mjs';
import { LocalPool } from '../../../tests/clients/local_pool.mjs';
import { Authenticator as Codes, Person as AtScreens } from '../../../tests/clients/person.mjs';
import { texts as en } from '../src/texts/en.ts';

export { en, expect };

export interface Authenticator {
  unusedPasscode(): string;
  wrongPasscodes(count: number): string[];
  secretCode: string;
}
export interface Person {
  name: string;
  password: string;
  userName: string;
  authenticator: Authenticator;
  recoveryCodes: string[];
  begin(replies: object[]): void;
}
export interface Pool {
  endpoint: string;
  userPoolId: string;
  clientId: string;
  newPerson(options?: object): Promise<Person>;
  call(operation: string, request: object): Promise<any>;
  lastCode(userName: string): Promise<string>;
  stop(): Promise<void>;
}

export const startPool = async (...options: string[]) => (await LocalPool.start(...options)) as unknown as Pool;
export const authenticator = (secretCode: string) => new Codes(secretCode) as Authenticator;
export const newcomer = (name: string) => new AtScreens(name, 'Correct-horse-9', '') as unknown as Person;

/** Signs in without a browser. `replies` are given first. */
export async function signInElsewhere(pool: Pool, person: Person, ...replies: object[]) {
  const { userPoolId, clientId, endpoint } = pool;
  amplify.configure({ userPoolId, userPoolClientId: clientId, userPoolEndpoint: endpoint });
  await amplify.signOut();
  person.begin(replies);
  await amplify.signInWithSecondFactor(person.name, person.password, person);
}

/** Somebody who has set up an authenticator and keeps recovery codes. */
export async function owner(pool: Pool): Promise<Person> {
  const person = await pool.newPerson({ UserAttributes: [{ Name: 'email_verified', Value: 'true' }] });
  await signInElsewhere(pool, person);
  return person;
}

/** The page as a person sees it. */
export class Visitor {
  /** Answers to challenges and other calls, by their operation. */
  readonly calls: string[] = [];

  constructor(readonly page: Page, readonly pool: Pool) {
    page.on('request', (request) => {
      const target = request.headers()['x-amz-target'];
      if (target) this.calls.push(target.split('.')[1]!);
    });
  }

  async open() {
    await this.page.goto(this.pool.endpoint);
    await this.sees(en.signIn.title);
  }

  async sees(heading: string) {
    await expect(this.page.getByRole('heading', { level: 1, name: heading, exact: true })).toBeVisible();
  }

  problem(text: string | RegExp) {
    return expect(this.page.locator('#problem')).toHaveText(text);
  }

  press(name: string) {
    return this.page.getByRole('button', { name, exact: true }).click();
  }

  /** The password, on the page that asks for it. */
  async enter(person: { name: string; password: string }) {
    await this.page.getByLabel(en.email).fill(person.name);
    await this.page.getByLabel(en.password, { exact: true }).fill(person.password);
    await this.press(en.signIn.button);
  }

  async begin(person: { name: string; password: string }) {
    await this.open();
    await this.enter(person);
  }

  async asksPasscode() {
    await this.sees(en.passcode.title('6'));
  }

  get code() {
    return this.page.locator('#code');
  }

  get recoveryCode() {
    return this.page.locator('#recovery-code');
  }

  async typeRecoveryCode(code: string) {
    await this.press(en.passcode.useRecoveryCode);
    await this.recoveryCode.fill(code);
    await this.press(en.continue);
  }

  /** Reads the key, as somebody who cannot scan, and types the first passcode. */
  async setsUp(): Promise<Authenticator> {
    await expect(this.page.getByRole('heading', { level: 1 })).toHaveText(new RegExp(`^(${en.setUp.title}|${en.setUp.newPhone})$`));
    const key = await this.page.locator('.key').textContent();
    const found = authenticator(key!.replaceAll(' ', ''));
    await this.code.fill(found.unusedPasscode());
    await this.press(en.continue);
    return found;
  }

  async keepsCodes(): Promise<string[]> {
    await this.sees(en.codes.title);
    const codes = await this.page.locator('ul.codes li').allTextContents();
    expect(codes).toHaveLength(10);
    await this.recoveryCode.fill(codes[3]!);
    await this.press(en.continue);
    return codes;
  }

  async isIn() {
    await this.sees(en.signedIn.title);
  }
}

type Response = { status: number; json: any };

/** Answers or changes the calls of one operation, for what the pool cannot be brought to. `null` passes a call on. */
export async function stub(page: Page, operation: string, answer: (request: any, passOn: (request?: any) => Promise<Response>) => Promise<Response | null> | Response | null) {
  await page.route((url) => url.pathname === '/', async (route, request: Request) => {
    if (request.headers()['x-amz-target']?.split('.')[1] !== operation) return route.fallback();
    const passOn = async (changed?: any) => {
      const response = await route.fetch(changed ? { postData: JSON.stringify(changed) } : {});
      return { status: response.status(), json: await response.json() };
    };
    const stubbed = await answer(request.postDataJSON(), passOn);
    if (!stubbed) return route.fallback();
    return route.fulfill({ status: stubbed.status, json: stubbed.json });
  });
}

/** Cognito's form of an error. */
export const error = (__type: string, message = 'A text of Cognito that nobody should see', status = 400): Response => ({ status, json: { __type, message } });

/** Fails on what the page must never do: a line in the console, a call elsewhere, a secret where it could be found. */
export function watch(page: Page, origins: string[]): () => Promise<void> {
  const broken: string[] = [];
  const lines: string[] = [];
  page.on('console', (message) => {
    lines.push(message.text());
    // Chromium's own lines about a request that failed; the page cannot keep it from them.
    if (!message.text().startsWith('Failed to load resource:')) broken.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => broken.push(`error: ${error}`));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (!origins.includes(origin) && !['blob:', 'data:'].includes(protocol)) broken.push(`request: ${request.url()}`);
  });
  const secrets = new Set<string>();
  page.on('response', async (response) => {
    const sent = await response.text().catch(() => '');
    for (const [, secret] of sent.matchAll(/"(?:secretCode|otpauthUri|recoveryCodes|Session)":"([^"]+)"/g)) {
      for (const part of secret!.split(' ')) secrets.add(part);
    }
  });
  return async () => {
    if (page.url().startsWith('http')) {
      const kept = await page.evaluate(() => ({ local: { ...localStorage }, session: { ...sessionStorage }, title: document.title, url: location.href }));
      expect(kept.local).toEqual({});
      expect(kept.url).toMatch(/^http:\/\/[^/]+\/$/);
      for (const key of Object.keys(kept.session)) expect(key).toMatch(/^(CognitoIdentityServiceProvider\.|signIn\.(underWay|wrongPasscodes)$)/);
      const found = [...secrets].filter((secret) => [...lines, JSON.stringify(kept)].some((text) => text.includes(secret)));
      expect(found).toEqual([]);
    }
    expect(broken).toEqual([]);
  };
}

export const test = base.extend<{ visitor: Visitor; person: Person }, { pool: Pool }>({
  pool: [async ({}, use) => {
    const pool = await startPool('--self-sign-up');
    await use(pool);
    await pool.stop();
  }, { scope: 'worker' }],
  page: async ({ page, pool }, use) => {
    const keptPromises = watch(page, [pool.endpoint]);
    await use(page);
    await keptPromises();
  },
  visitor: async ({ page, pool }, use) => use(new Visitor(page, pool)),
  person: async ({ pool }, use) => use(await owner(pool)),
});

/** Answers come with these parameters wherever the challenge is asked: what only other sign-ins of the user would lead to. */
export function stubChallenge(page: Page, challenge: string, parameters: Record<string, string>) {
  return stub(page, 'RespondToAuthChallenge', async (_, passOn) => {
    const response = await passOn();
    if (response.json.ChallengeParameters?.challenge === challenge) Object.assign(response.json.ChallengeParameters, parameters);
    return response;
  });
}
