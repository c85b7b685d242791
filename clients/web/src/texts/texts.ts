// Every text of the page. Each language is a file of this type, so a missing text does not compile.

import type { Notice, PlainProblem, Wish } from '../flow.ts';

export interface Texts {
  loading: string;
  /** config.json is missing. */
  broken: { title: string; text: string };
  problemTitle: string;
  reload: string;
  startAgain: string;
  back: string;
  cancel: string;
  /** On screens where a sign-in is nearly done. */
  cancelSignIn: string;
  /** Where a signed-in user asked for a change, and the sign-in for it has ended the session. */
  cancelChange: string;
  continue: string;
  show: string;
  hide: string;
  busy: string;

  email: string;
  password: string;
  newPassword: string;
  rules(atLeast: number): string;
  messageCode: string;

  signIn: { title: string; button: string; without: string; forgot: string; signUp: string };
  wishes: { [W in Wish]: string };
  signUp: { title: string; button: string };
  confirmSignUp: { title(address: string): string; button: string; again: string; wrongAddress: string; address: string };
  forgot: { title: string; text: string; button: string };
  resetPassword: { text(address: string): string; button: string };
  newPasswordScreen: { title: string; text: string };
  offer: { title: string; text: string; yes: string; no: string };
  setUp: {
    title: string;
    why: string;
    open: string;
    openNew: string;
    haveNone: string;
    anyApp: string;
    scan: string;
    /** On a phone, after the link. */
    scanElsewhere: string;
    qrCode: string;
    onThisDevice: string;
    notNow: string;
    cannotScan: string;
    typeKey: string;
    copyKey: string;
    newPhone: string;
    replaces: string;
    codeUsed: string;
    deviceName: string;
    deviceHint: string;
    code(digits: string): string;
    keepOld: string;
  };
  codes: {
    title: string;
    appIsSetUp: string;
    newPhoneIsSetUp: string;
    text: string;
    /** Why they come: few are left, none, or, with three or more, the last ones were not kept. */
    due(left: number): string;
    codeUsed(onlyTheApp: boolean): string;
    earlier: string;
    list: string;
    copy: string;
    download: string;
    print: string;
    copied: string;
    /** The name of the file with the codes. */
    file: string;
    downloaded(file: string): string;
    selected: string;
    one: string;
    keepOld: string;
    /** With a new app, which stays set up. */
    later: string;
    /** Above the codes in the file. */
    fileHead(service: string, account: string, date: string): string;
    /** Under it, for whoever finds the codes years later. */
    use: string;
  };
  passcode: {
    title(digits: string): string;
    /** While another one is to be set up. */
    earlier: string;
    by(device: string): string;
    sentByItself(digits: string): string;
    waiting(time: string): string;
    useRecoveryCode: string;
    haveNeither: string;
  };
  recoveryCode: { title: string; hint: string; lost: string; lostLater: string; usePasscode: string };
  support: { title: string; ask(whom: string): string; who: string; then: string };
  remove: { title: string; text: string; label: string; button: string; keep: string; cancel: string };
  signedIn: {
    title: string;
    account: string;
    secondStep: string;
    factors: { totp: string; recovery_code: string; on: string; none: string };
    codeUsed: string;
    since: string;
    validUntil: string;
    wrongPasscodes(count: number): string;
    renew: string;
    anotherPhone: string;
    newCodes: string;
    turnOff: string;
    turnOn: string;
    signOut: string;
    newTab: string;
  };
  problems: { [P in PlainProblem]: string };
  tries(left: number): string;
  wrongPasscode(attemptsLeft: number): string;
  yourClock(time: string): string;
  wrongFirstPasscode(attemptsLeft: number): string;
  wrongRecoveryCode(attemptsLeft: number): string;
  wrongCode(attemptsLeft: number): string;
  notOneOfThese(attemptsLeft: number): string;
  notAPasscode(digits: string): string;
  notACode(digits: string): string;
  unexpected(name: string): string;
  notices: { [N in Notice]: string };
  /** Between two numbers, such as "6 or 8". */
  or: string;
  /** Between two sentences. */
  gap: string;

  /** Only where the page is served by the local pool. */
  local: {
    title: string;
    text: string;
    none: string;
    code(to: string, code: string): string;
    temporaryPassword(to: string, password: string): string;
    newUser: string;
    create: string;
  };
}
