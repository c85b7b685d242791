// A key URI as a QR code, drawn in the browser: no other machine receives the secret.

import { correction, generate } from 'lean-qr';

/** Light around the code, in modules, as ISO/IEC 18004 requires. */
const MARGIN = 4;

/** The side of the whole drawing in modules, and the path of the dark ones. */
export function qrCode(text: string): { side: number; path: string } {
  const code = generate(text, { minCorrectionLevel: correction.M });
  let path = '';
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) {
      if (code.get(x, y)) path += `M${x + MARGIN} ${y + MARGIN}h1v1h-1z`;
    }
  }
  return { side: code.size + 2 * MARGIN, path };
}
