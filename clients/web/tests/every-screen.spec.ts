// Every screen, in light and in dark, narrow and wide: accessible by axe's rules, and its QR code is read by a decoder.
// `npm run screenshots` keeps the pictures in clients/web/screenshots.

import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator } from '@playwright/test';
import jsQR from 'jsqr';

import { expect, test } from './bed.ts';
import { tour } from './tour.ts';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const FOLDER = process.env['SCREENSHOTS'];

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every screen is accessible in ${colorScheme}`, async ({ visitor, pool, page, browser }) => {
    test.setTimeout(120_000);
    await page.emulateMedia({ colorScheme });
    await tour(visitor, pool, async (screen) => {
      for (const width of [320, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(RULES).analyze();
        const found = violations.map(({ id, nodes }) => `${screen}, ${width} px: ${id} at ${nodes.map(({ target }) => target).join(' and ')}`);
        expect(found).toEqual([]);
      }
      if (screen === 'set-up') {
        const uri = new URL((await decoded(browser, page.locator('.qr')))!);
        expect([uri.protocol, uri.host]).toEqual(['otpauth:', 'totp']);
      }
      if (FOLDER) {
        await page.setViewportSize({ width: 400, height: 800 });
        // Without the local pool's messages at the foot.
        const { y, height } = (await page.locator('main').boundingBox())!;
        const clip = { x: 0, y: 0, width: 400, height: y + height + 24 };
        await page.screenshot({ path: `${FOLDER}/${screen}-${colorScheme}.png`, fullPage: true, clip });
      }
    });
  });
}

/** What a phone would read on the screen. */
async function decoded(browser: Browser, shown: Locator): Promise<string | undefined> {
  const picture = await shown.screenshot();
  // A page without a policy takes the picture apart.
  const page = await browser.newPage();
  const { width, height, data } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    return { width: bitmap.width, height: bitmap.height, data: [...context.getImageData(0, 0, bitmap.width, bitmap.height).data] };
  }, picture.toString('base64'));
  await page.close();
  return jsQR(Uint8ClampedArray.from(data), width, height)?.data;
}
