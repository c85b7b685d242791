// One script, one style sheet, one file a language and one for the QR code, under names that do not change: the local
// pool serves them.

import { defineConfig, type Plugin } from 'vite';

/** Files with a configuration in Amplify's own two formats, which the page does not have: 3 kB. */
const otherFormats: Plugin = {
  name: 'other-formats',
  transform(_, id) {
    if (id.endsWith('@aws-amplify/core/dist/esm/parseAWSExports.mjs')) return 'export const parseAWSExports = () => ({});';
    if (!id.endsWith('@aws-amplify/core/dist/esm/parseAmplifyOutputs.mjs')) return null;
    return 'export const isAmplifyOutputs = () => false; export const parseAmplifyOutputs = () => ({});';
  },
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
  plugins: [otherFormats, unusedEnums],
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
