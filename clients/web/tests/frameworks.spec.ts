// The reducer in React and in Vue, as docs/page.md shows it: compiled with the page's types, and mounted once.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from '@playwright/test';
import { build, type Rolldown } from 'vite';

for (const framework of ['react', 'vue']) {
  const file = (name: string) => new URL(`frameworks/${name}.ts`, import.meta.url);

  test(`docs/page.md shows the table in ${framework} as it is tried here`, () => {
    const snippet = readFileSync(file(framework), 'utf8').replaceAll('../../src/', './');
    expect(readFileSync(new URL('../../../docs/page.md', import.meta.url), 'utf8')).toContain(`\`\`\`ts\n${snippet}\`\`\`\n`);
  });

  test(`${framework} draws what the table says, and sends once`, async ({ page }) => {
    const bundled = (await build({
      configFile: false,
      logLevel: 'silent',
      define: { 'process.env.NODE_ENV': '"production"', __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
      build: { write: false, lib: { entry: fileURLToPath(file(`${framework}-app`)), formats: ['es'] } },
    })) as Rolldown.RolldownOutput[];
    const broken: string[] = [];
    page.on('console', (message) => broken.push(message.text()));
    page.on('pageerror', (error) => broken.push(String(error)));
    await page.setContent('<main></main>');
    await page.addScriptTag({ type: 'module', content: bundled[0]!.output[0].code });
    for (const [button, screen, calls] of [['boot', 'signIn', []], ['sign in', 'passcode', ['ana']], ['passcode', 'signedIn', ['ana', 'ana 123456']]] as const) {
      await page.getByRole('button', { name: button }).click();
      await expect(page.locator('h1')).toHaveText(screen);
      expect(await page.locator('h2').allTextContents()).toEqual(calls);
    }
    expect(broken).toEqual([]);
  });
}
