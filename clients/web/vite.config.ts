// One script, one style sheet, one file a language and one for the QR code, under names that do not change: the local
// pool serves them.

import { defineConfig, type Plugin } from 'vite';

/** What the page never gets to: a configuration in Amplify's own two formats (3 kB), passkeys and cookies (1 kB each). */
const UNUSED: { [module: string]: string } = {
  '@aws-amplify/core/dist/esm/parseAWSExports.mjs': 'export const parseAWSExports = () => ({});',
  '@aws-amplify/core/dist/esm/parseAmplifyOutputs.mjs':
    'export const isAmplifyOutputs = () => false; export const parseAmplifyOutputs = () => ({});',
  '@aws-amplify/core/dist/esm/storage/CookieStorage.mjs': 'export class CookieStorage {}',
  '@aws-amplify/auth/dist/esm/client/flows/userAuth/handleWebAuthnSignInResult.mjs':
    'export const handleWebAuthnSignInResult = () => { throw new Error("no passkeys"); };',
};

const unusedParts: Plugin = {
  name: 'unused-parts',
  transform: (_, id) => Object.entries(UNUSED).find(([module]) => id.endsWith(module))?.[1] ?? null,
};

/** Amplify lists every error of every operation as an enum, which no bundler dares to leave out: 4 kB, unless it may. */
const unusedEnums: Plugin = {
  name: 'unused-enums',
  transform(code, id) {
    if (!id.includes('@aws-amplify')) return null;
    const written = code.replace(
      /^(export )?var (\w+);\n\(function \(\2\) \{\n([^]*?)\n\}\)\(\2 \|\| \(\2 = \{\}\)\);/gm,
      '$1var $2 = /* @__PURE__ */ (function ($2) {\n$3\nreturn $2;\n})({});',
    );
    return written === code ? null : { code: written, map: null };
  },
};

export default defineConfig({
  base: './',
  plugins: [unusedParts, unusedEnums],
  build: {
    target: 'es2022',
    modulePreload: false,
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      output: {
        entryFileNames: 'app.js',
        chunkFileNames: '[name].js',
        assetFileNames: 'app[extname]',
      },
    },
  },
});
