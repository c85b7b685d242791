// What people type or paste, as an answer. The server takes spaces, dashes and digits of any script; what is not an
// answer at all is not sent, because each one sent costs a try.

/** Characters of one of our recovery codes, and of the code from support. */
const CODE_CHARACTERS = 16;

export type Typed = { kind: 'passcode' | 'recoveryCode'; answer: string } | { kind: 'empty' | 'neither' };

export function typed(text: string, digits: readonly number[]): Typed {
  const characters = [...text.normalize('NFKC')].filter((character) => /[\p{L}\p{N}]/u.test(character));
  const answer = characters.join('');
  if (!answer) return { kind: 'empty' };
  if (digits.includes(characters.length) && characters.every((character) => /\p{Nd}/u.test(character))) {
    return { kind: 'passcode', answer };
  }
  return characters.length === CODE_CHARACTERS ? { kind: 'recoveryCode', answer } : { kind: 'neither' };
}

/** A code from a message, as Cognito takes it: it refuses the space that people put in the middle. */
export function withoutSpaces(text: string): string {
  return text.normalize('NFKC').replace(/\s/g, '');
}

/** Whether it may be an address that mail can be sent to. Cognito decides; this only spares the obvious mistakes a request. */
export function mayBeAddress(text: string): boolean {
  return /^\S+@\S+[.。．｡]\S+$/u.test(text);
}

/** `ABCD EFGH …`, for reading aloud and typing over. */
export function inFours(text: string): string {
  return text.match(/.{1,4}/g)?.join(' ') ?? '';
}
