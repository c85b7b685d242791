// Someone at the screens of an app: answers what is asked, and remembers what was shown.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

export class Person {
  /** What was asked in this sign-in: `{ screen, …parameters }`. */
  asked = [];
  recoveryCodes = [];
  #replies = [];

  /** `name` is what is typed, and `userName` what Cognito made of it. */
  constructor(name, password, userName) {
    this.name = name;
    this.password = password;
    this.userName = userName;
  }

  /** `replies` are given first, whatever is asked; after them comes the right answer. */
  begin(replies) {
    this.asked = [];
    this.wrongPasscodes = 0;
    this.#replies = replies;
  }

  /** Such as `['askPasscode 3', 'askPasscode 2']`. */
  screens() {
    // An offer costs no attempt.
    return this.asked.map(({ screen, attemptsLeft }) => `${screen} ${attemptsLeft ?? ''}`.trim());
  }

  async askPasscode(parameters) {
    return this.#reply('askPasscode', parameters) ?? { answer: this.authenticator.unusedPasscode() };
  }

  async offerSecondFactor() {
    return this.#reply('offerSecondFactor', {}) ?? { answer: 'SKIP' };
  }

  async confirmTurningOff(parameters) {
    // A recovery code: the next passcode may be too far off.
    return this.#reply('confirmTurningOff', parameters) ?? { answer: this.recoveryCodes[0] };
  }

  async showAuthenticator(parameters) {
    const reply = this.#reply('showAuthenticator', parameters);
    if (this.authenticator?.secretCode !== parameters.secretCode) {
      this.authenticator = new Authenticator(parameters.secretCode);
    }
    return reply ?? { answer: this.authenticator.unusedPasscode() };
  }

  async showRecoveryCodes(parameters) {
    this.recoveryCodes = parameters.recoveryCodes;
    return this.#reply('showRecoveryCodes', parameters) ?? { answer: this.recoveryCodes.at(-1) };
  }

  async askNewPassword() {
    this.password = `${this.password} but changed`;
    return this.#reply('askNewPassword', {}) ?? { answer: this.password };
  }

  /** The pool gives `messageCode`, which reads the code that was sent last. */
  async askMessageCode() {
    return this.#reply('askMessageCode', {}) ?? { answer: await this.messageCode() };
  }

  async askCodeAndNewPassword() {
    this.password = `${this.password} but changed`;
    this.#reply('askCodeAndNewPassword', {});
    return { code: await this.messageCode(), newPassword: this.password };
  }

  async showWrongPasscodes({ wrongPasscodes }) {
    this.wrongPasscodes = wrongPasscodes;
  }

  #reply(screen, parameters) {
    this.asked.push({ screen, ...parameters });
    return this.#replies.shift();
  }
}

/** RFC 6238 with SHA-1, six digits and 30 s, by the RFC's own words and not by our code. */
export class Authenticator {
  #lastStep = 0;

  constructor(secretCode) {
    this.secretCode = secretCode;
  }

  /** Of the next time step where this one's was used: it is in the window, so nobody waits. */
  unusedPasscode() {
    this.#lastStep = Math.max(this.#lastStep + 1, thisStep());
    assert.ok(this.#lastStep <= thisStep() + 1, 'a third passcode of one time step is outside of the window');
    return this.#passcode(this.#lastStep);
  }

  wrongPasscode() {
    return this.wrongPasscodes(1)[0];
  }

  /** Each another one. */
  wrongPasscodes(count) {
    const right = new Set([-2, -1, 0, 1, 2, 3].map((steps) => this.#passcode(thisStep() + steps)));
    const codes = Array.from({ length: count + right.size }, (_, code) => String(code).padStart(6, '0'));
    return codes.filter((code) => !right.has(code)).slice(0, count);
  }

  #passcode(step) {
    const message = Buffer.alloc(8);
    message.writeBigUInt64BE(BigInt(step));
    const digest = createHmac('sha1', fromBase32(this.secretCode)).update(message).digest();
    const truncated = digest.readUInt32BE(digest.at(-1) & 0x0f) & 0x7fffffff;
    return String(truncated % 10 ** 6).padStart(6, '0');
  }
}

function thisStep() {
  return Math.floor(Date.now() / 1000 / 30);
}

function fromBase32(text) {
  const letters = [...text].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter));
  const bits = letters.map((value) => value.toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}
