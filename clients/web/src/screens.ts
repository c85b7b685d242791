// The screens: each is built once, and then patched, so that the focus, an input method and a password manager keep
// their field.

import { h, say, svg } from './dom.ts';
import { challenge, hasNewApp, needsTheApp, waitUntil, type On, type Problem, type Prompt, type Screen, type State } from './flow.ts';
import type { Actions, Config } from './main.ts';
import type { Texts } from './texts/texts.ts';
import { inFours, typed, withoutSpaces } from './typed.ts';

interface Built {
  /** The heading; with a field, it is that field's label. */
  title: string;
  labels?: HTMLInputElement;
  content: (Node | null | false)[];
  /** Where the person types next; without one, and where there is much to read first, the heading gets the focus. */
  field?: HTMLInputElement;
  readFirst?: true;
  patch?: (state: State) => void;
}

const SOFT_HYPHEN = '\u00ad';
/** The fields that a problem is about are emptied, or kept and selected. */
const EMPTIED: ReadonlySet<Problem['kind']> = new Set(['wrongPassword', 'wrongPasscode', 'wrongFirstPasscode', 'sentAlready', 'passwordUsed']);
const ABOUT_THE_PASSWORD: ReadonlySet<Problem['kind']> = new Set(['wrongPassword', 'passwordLocked', 'passwordRules', 'passwordUsed']);
const ABOUT_THE_ADDRESS: ReadonlySet<Problem['kind']> = new Set(['addressFormat', 'userExists', 'noReset']);
/** Shown as what happened, not as what went wrong. */
const NOT_A_MISTAKE: ReadonlySet<Problem['kind']> = new Set(['begunAgain', 'confirmFirst', 'passwordReset']);
const NOT_ABOUT_A_FIELD: ReadonlySet<Problem['kind']> = new Set([
  'offline', 'tooManyRequests', 'tooManyAttempts', 'begunAgain', 'signedOut', 'ended', 'expired', 'answerLost', 'stopped', 'tryAgain',
  'tryOnceMore', 'unexpected', 'confirmFirst', 'passwordReset', 'newerServer', 'signUpRefused', 'alreadyConfirmed', 'notSent',
  'secondStepNeeded', 'secondStepNow', 'staysOn',
]);

export class Page {
  readonly #texts: Texts;
  readonly #config: Config;
  readonly #actions: Actions;
  readonly #main = document.querySelector('main')!;
  #built: Built | null = null;
  #problem = h('p', { id: 'problem', class: 'problem', role: 'alert' });
  #notice = h('p', { class: 'notice', role: 'status' });
  #wait: HTMLElement | null = null;

  constructor(texts: Texts, config: Config, actions: Actions) {
    this.#texts = texts;
    this.#config = config;
    this.#actions = actions;
  }

  show(state: State, before: State) {
    const isNew = this.#built === null || key(state) !== key(before);
    if (isNew) this.#build(state);
    const { title, field, patch, readFirst } = this.#built!;
    patch?.(state);
    this.#main.setAttribute('aria-busy', String(state.busy));
    for (const button of this.#main.querySelectorAll('button')) button.setAttribute('aria-disabled', String(state.busy));
    this.#problem.className = state.problem && NOT_A_MISTAKE.has(state.problem.kind) ? 'notice' : 'problem';
    say(this.#problem, state.problem ? this.#problemText(state.problem) : '');
    say(this.#notice, state.busy ? this.#texts.busy : this.#noticeText(state));
    const name = title.replaceAll(SOFT_HYPHEN, '');
    document.title = this.#config.service ? `${name} – ${this.#config.service}` : name;
    this.#markField(state, before, isNew && !readFirst, field);
    if (field && state.notices !== before.notices && state.notices.some((notice) => notice === 'sentAgain' || notice === 'backOnline')) {
      // What stands in it is an old code.
      field.value = '';
      field.focus();
    }
    this.tick(state);
  }

  /** The time that is left of a wait; a screen reader hears of it at the start and at the end. */
  tick(state: State) {
    if (!this.#wait) return;
    const ends = waitUntil(state);
    const seconds = ends === null ? 0 : Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    say(this.#wait, ends === null ? '' : this.#texts.passcode.waiting(duration(seconds)));
  }

  #build(state: State) {
    this.#wait = null;
    this.#problem = h('p', { id: 'problem', class: 'problem', role: 'alert' });
    this.#notice = h('p', { class: 'notice', role: 'status' });
    // The builder of a screen takes the states of that screen, which TypeScript cannot follow over the union.
    const build = this.#screens[state.screen] as (state: State) => Built;
    const built = build(state);
    const { title, labels, content } = built;
    const heading = labels
      ? h('h1', {}, h('label', { for: labels.id }, title))
      : h('h1', { tabindex: '-1' }, title);
    this.#main.dataset['screen'] = state.screen;
    // On a long screen they stand at the field that they are about.
    const messages = [this.#problem, this.#notice].filter((message) => !message.parentNode);
    this.#main.replaceChildren(heading, ...messages, ...content.filter((node) => node !== null && node !== false));
    this.#built = built;
    scrollTo(0, 0);
    if ((!built.field || built.readFirst) && state.screen !== 'loading') heading.focus();
  }

  /** Marks the field that a problem is about, and puts the person there. */
  #markField({ problem, busy }: State, before: State, takesFocus: boolean, field?: HTMLInputElement) {
    const inputs = [...this.#main.querySelectorAll('input')];
    const wrong = problem === null || NOT_ABOUT_A_FIELD.has(problem.kind) ? undefined
      : problem.kind === 'missingInput' ? inputs.find(({ value }) => value === '')
      : ABOUT_THE_PASSWORD.has(problem.kind) ? inputs.find(({ autocomplete }) => autocomplete.endsWith('-password'))
      : ABOUT_THE_ADDRESS.has(problem.kind) ? inputs.find(({ id }) => id === 'email')
      : field;
    for (const input of inputs) input.setAttribute('aria-invalid', String(input === wrong));
    // The messages above the field stay in view.
    if (takesFocus) field?.focus({ preventScroll: true });
    if (problem === null || problem === before.problem || busy) return;
    // The server's time comes after the problem, and the person may be typing already.
    if ('clock' in problem && problem.clock !== null) return;
    if (wrong && EMPTIED.has(problem.kind)) wrong.value = '';
    wrong?.focus();
    wrong?.select();
  }

  #tries(state: State): string {
    return this.#texts.tries(challenge(state).attemptsLeft);
  }

  #noticeText(state: State): string {
    const texts = state.notices.map((notice) => this.#texts.notices[notice]);
    return [...texts, ...(state.notices.includes('waitOver') ? [this.#tries(state)] : [])].join(this.#texts.gap);
  }

  #problemText(problem: Problem): string {
    const texts = this.#texts;
    switch (problem.kind) {
      case 'wrongPasscode':
      case 'wrongFirstPasscode': {
        const { kind, attemptsLeft, clock } = problem;
        const wrong = texts[kind](attemptsLeft);
        return clock === null ? wrong : `${wrong}${texts.gap}${texts.yourClock(time(clock, { timeStyle: 'short' }))}`;
      }
      case 'wrongRecoveryCode':
      case 'wrongCode':
      case 'notOneOfThese':
        return texts[problem.kind](problem.attemptsLeft);
      case 'notAPasscode':
      case 'notACode':
        return texts[problem.kind](this.#digits(problem.digits));
      case 'unexpected':
        return texts.unexpected(problem.name);
      case 'passwordRules': {
        // The only rule that the page knows of.
        const length = this.#main.querySelector<HTMLInputElement>('#new-password')?.value.length ?? 0;
        return length < this.#passwordLength ? texts.rules(this.#passwordLength) : texts.problems.passwordRules;
      }
      default:
        return texts.problems[problem.kind];
    }
  }

  get #passwordLength(): number {
    return this.#config.passwordLength ?? 12;
  }

  #digits(digits: readonly number[]): string {
    return digits.join(this.#texts.or);
  }

  // ── Parts of screens.

  #button(text: string, press: () => void, look: 'button' | 'link' = 'link'): HTMLButtonElement {
    return h('button', { type: 'button', class: look, onclick: press }, text);
  }

  #form(submit: () => void, button: string, ...content: Node[]): HTMLFormElement {
    const onsubmit = (event: SubmitEvent) => {
      event.preventDefault();
      submit();
    };
    return h('form', { novalidate: true, onsubmit }, ...content, h('button', { type: 'submit', class: 'button' }, button));
  }

  #links(...links: (Node | false)[]): HTMLElement {
    return h('div', { class: 'links' }, ...links);
  }

  /** What stands in the field for the address goes along. */
  #chooses(text: string, choice: Parameters<Actions['chose']>[0], email?: HTMLInputElement): HTMLButtonElement {
    return this.#button(text, () => this.#actions.chose(choice, email?.value.trim()));
  }

  /** A change has ended the session that it began in. */
  #cancels({ wish }: Prompt): HTMLButtonElement {
    return this.#chooses(wish === null ? this.#texts.cancel : this.#texts.cancelChange, 'back');
  }

  #emailField(username: string) {
    const input = h('input', {
      id: 'email', name: 'email', type: 'text', inputmode: 'email', autocomplete: 'username', autocapitalize: 'none',
      spellcheck: 'false', value: username, 'aria-describedby': 'problem',
    });
    return { input, row: h('div', { class: 'field' }, h('label', { for: 'email' }, this.#texts.email), input) };
  }

  #passwordField(isNew: boolean) {
    const { texts, id } = { texts: this.#texts, id: isNew ? 'new-password' : 'password' };
    const input = h('input', {
      id, name: id, type: 'password', autocomplete: isNew ? 'new-password' : 'current-password',
      'aria-describedby': isNew ? 'problem rules' : 'problem',
    });
    const show = h('button', { type: 'button', class: 'link', 'aria-controls': id }, texts.show);
    show.addEventListener('click', () => {
      const hidden = input.type === 'text';
      input.type = hidden ? 'password' : 'text';
      say(show, hidden ? texts.show : texts.hide);
    });
    const label = h('label', { for: id }, isNew ? texts.newPassword : texts.password);
    const rules = isNew && h('p', { id: 'rules', class: 'hint' }, texts.rules(this.#passwordLength));
    return { input, row: h('div', { class: 'field' }, label, rules, input, show) };
  }

  /** For a password manager, which then knows whose new password it is. */
  #hiddenUsername(username: string): HTMLInputElement {
    return h('input', { class: 'away', type: 'text', autocomplete: 'username', value: username, tabindex: '-1', 'aria-hidden': 'true', readonly: true });
  }

  #messageCodeField(autocomplete: string): HTMLInputElement {
    return h('input', {
      id: 'code', name: 'code', type: 'text', inputmode: 'numeric', autocomplete, autocapitalize: 'none', spellcheck: 'false',
      'aria-describedby': 'problem',
    });
  }

  #passcodeField(hints: string): HTMLInputElement {
    return h('input', {
      id: 'code', name: 'code', type: 'text', inputmode: 'numeric', autocomplete: 'one-time-code', autocapitalize: 'none',
      spellcheck: 'false', 'aria-describedby': `problem ${hints}`,
    });
  }

  #recoveryCodeField(hints: string): HTMLInputElement {
    return h('input', {
      id: 'recovery-code', name: 'recovery-code', type: 'text', autocomplete: 'off', autocapitalize: 'none', autocorrect: 'off',
      spellcheck: 'false', 'aria-describedby': `problem ${hints}`,
    });
  }

  /** The wait, counted down for the eye, and said once to a screen reader. */
  #waiting(): { shown: HTMLElement; announced: HTMLElement; patch(state: State): void } {
    const announced = h('p', { class: 'away', role: 'alert' });
    const shown = h('p', { id: 'wait', class: 'problem', 'aria-hidden': 'true' });
    this.#wait = shown;
    const patch = (state: State) => {
      this.tick(state);
      if (waitUntil(state) === null) say(announced, '');
      else if (!announced.textContent) say(announced, shown.textContent ?? '');
    };
    return { shown, announced, patch };
  }

  /** Sends a passcode as soon as it is whole, where the pool has one length of them. */
  #sendsItself(input: HTMLInputElement, digits: readonly number[], send: () => void): string {
    if (digits.length !== 1) return '';
    const look = () => {
      if (typed(input.value, digits).kind === 'passcode') send();
    };
    input.addEventListener('input', (event) => (event as InputEvent).isComposing || look());
    input.addEventListener('compositionend', look);
    return this.#texts.passcode.sentByItself(this.#digits(digits));
  }

  /** What helps with a problem, shown with it; also to confirm the address, which needs no password. */
  #remedies(kind: Problem['kind'], email: HTMLInputElement, ...others: Node[]): { row: HTMLElement; patch(state: State): void } {
    const confirm = this.#button(this.#texts.confirmSignUp.address, () => this.#actions.confirmAddress(email.value.trim()));
    const row = h('div', { class: 'row' }, ...others, confirm);
    return { row, patch: ({ problem }) => { row.hidden = problem?.kind !== kind && problem?.kind !== 'alreadyConfirmed'; } };
  }

  // ── One builder a screen.

  readonly #screens: { [S in Screen]: (state: On<S>) => Built } = {
    loading: () => ({ title: this.#texts.loading, content: [] }),

    broken: () => {
      const { title, text } = this.#texts.broken;
      return { title, content: [h('p', {}, text), this.#button(this.#texts.reload, this.#actions.reload, 'button')] };
    },

    signIn: ({ username, wish }) => {
      const { signIn, wishes } = this.#texts;
      const email = this.#emailField(username);
      const password = this.#passwordField(false);
      const submit = () => this.#actions.signIn(email.input.value.trim(), password.input.value);
      const links = this.#links(
        wish !== null && this.#button(signIn.without, this.#actions.unwished),
        this.#chooses(signIn.forgot, 'forgot', email.input),
        wish === null && this.#config.selfSignUp === true && this.#chooses(signIn.signUp, 'signUp', email.input),
      );
      return {
        title: signIn.title,
        content: [wish && h('p', {}, wishes[wish]), this.#form(submit, signIn.button, email.row, password.row), links],
        field: username ? password.input : email.input,
      };
    },

    signUp: ({ username }) => {
      const { signUp, signIn, back } = this.#texts;
      const email = this.#emailField(username);
      const password = this.#passwordField(true);
      const submit = () => this.#actions.signUp(email.input.value.trim(), password.input.value);
      const remedies = this.#remedies('userExists', email.input,
        this.#chooses(signIn.button, 'back', email.input), this.#chooses(signIn.forgot, 'forgot', email.input));
      return {
        title: signUp.title,
        content: [remedies.row, this.#form(submit, signUp.button, email.row, password.row), this.#links(this.#chooses(back, 'back', email.input))],
        field: email.input,
        patch: remedies.patch,
      };
    },

    confirmSignUp: ({ username }) => {
      const { confirmSignUp, cancel } = this.#texts;
      const code = this.#messageCodeField('one-time-code');
      const links = this.#links(
        this.#button(confirmSignUp.again, this.#actions.sendAgain),
        this.#config.selfSignUp === true && this.#chooses(confirmSignUp.wrongAddress, 'signUp'),
        this.#chooses(cancel, 'back'),
      );
      return {
        title: confirmSignUp.title(username),
        labels: code,
        content: [this.#form(() => this.#actions.confirmSignUp(withoutSpaces(code.value)), confirmSignUp.button, code), links],
        field: code,
      };
    },

    forgot: ({ username }) => {
      const { forgot, back } = this.#texts;
      const email = this.#emailField(username);
      const form = this.#form(() => this.#actions.forgot(email.input.value.trim()), forgot.button, email.row);
      const remedies = this.#remedies('noReset', email.input);
      return {
        title: forgot.title,
        content: [remedies.row, h('p', {}, forgot.text), form, this.#links(this.#chooses(back, 'back', email.input))],
        field: email.input,
        patch: remedies.patch,
      };
    },

    resetPassword: ({ username }) => {
      const { forgot, resetPassword, messageCode, confirmSignUp, cancel } = this.#texts;
      const code = this.#messageCodeField('off');
      const password = this.#passwordField(true);
      const submit = () => this.#actions.resetPassword(withoutSpaces(code.value), password.input.value);
      const account = this.#hiddenUsername(username);
      const remedies = this.#remedies('noReset', account);
      const codeRow = h('div', { class: 'field' }, h('label', { for: code.id }, messageCode), code);
      const links = this.#links(this.#button(confirmSignUp.again, this.#actions.sendAgain), this.#chooses(cancel, 'back'));
      return {
        title: forgot.title,
        content: [
          h('p', {}, resetPassword.text(username)),
          remedies.row,
          this.#form(submit, resetPassword.button, account, codeRow, password.row),
          links,
        ],
        field: code,
        patch: remedies.patch,
      };
    },

    newPassword: ({ username }) => {
      const { newPasswordScreen, cancel } = this.#texts;
      const password = this.#passwordField(true);
      const submit = () => this.#actions.newPassword(password.input.value);
      const form = this.#form(submit, this.#texts.continue, this.#hiddenUsername(username), password.row);
      return {
        title: newPasswordScreen.title,
        content: [h('p', {}, newPasswordScreen.text), form, this.#links(this.#chooses(cancel, 'back'))],
        field: password.input,
      };
    },

    offer: () => {
      const { offer } = this.#texts;
      const yes = this.#button(offer.yes, () => this.#actions.offer('SET_UP'), 'button');
      return {
        title: offer.title,
        content: [h('p', {}, offer.text), yes, this.#links(this.#button(offer.no, () => this.#actions.offer('SKIP')))],
      };
    },

    setUp: ({ secretCode, otpauthUri, digits, offered, wish, byCode }) => {
      const { setUp, cancelSignIn, gap } = this.#texts;
      const replaces = wish === 'REPLACE_AUTHENTICATOR';
      // It does not send itself: a name may follow.
      const code = this.#passcodeField('');
      const device = h('input', { id: 'device', name: 'device', type: 'text', maxlength: '32', autocomplete: 'off', 'aria-describedby': 'hint' });
      const submit = () => this.#actions.answer(code.value, 'passcode', { deviceName: device.value.trim() });
      const key = h('code', { class: 'key' }, inFours(secretCode));
      const said = h('p', { class: 'said', role: 'status' });
      const copyKey = this.#button(setUp.copyKey, () => copy(secretCode, key, this.#texts, said));
      const form = this.#form(
        submit,
        this.#texts.continue,
        h('div', { class: 'field' }, this.#problem, this.#notice, h('label', { for: code.id }, setUp.code(this.#digits(digits))), code),
        h('div', { class: 'field' },
          h('label', { for: device.id }, setUp.deviceName), h('p', { id: 'hint', class: 'hint' }, setUp.deviceHint), device),
      );
      const keepOld = this.#button(setUp.keepOld, this.#actions.giveUp);
      const qr = h('div', { class: 'qr' });
      // Most sign-ins draw none, so the page begins without the code that does.
      import('./qr.ts').then(({ qrCode }) => qr.replaceChildren(drawing(qrCode(otpauthUri), setUp.qrCode)));
      return {
        title: replaces ? setUp.newPhone : setUp.title,
        content: [
          h('p', {}, replaces ? setUp.replaces : setUp.why, byCode && gap + setUp.codeUsed),
          h('ol', { class: 'steps' },
            h('li', {}, h('p', {}, replaces ? setUp.openNew : setUp.open), h('details', {}, h('summary', {}, setUp.haveNone), h('p', {}, setUp.anyApp))),
            h('li', {},
              h('p', { class: 'touch' }, h('a', { href: otpauthUri }, setUp.onThisDevice)),
              h('p', { class: 'touch' }, setUp.scanElsewhere),
              h('p', { class: 'pointer' }, setUp.scan),
              qr,
              h('details', {}, h('summary', {}, setUp.cannotScan), h('p', {}, setUp.typeKey), h('p', {}, key), h('div', { class: 'row' }, copyKey, said))),
            h('li', {}, form)),
          this.#links(replaces && keepOld, this.#chooses(offered ? setUp.notNow : cancelSignIn, 'back')),
        ],
        field: code,
        readFirst: true,
        // Given up with the last answer, the change would end the sign-in.
        patch: (state) => { keepOld.hidden = challenge(state).attemptsLeft < 2; },
      };
    },

    codes: (state) => {
      const { recoveryCodes, earlierLeft, wish, username, occasion, byCode } = state;
      const { codes, cancelSignIn, gap } = this.#texts;
      const newApp = hasNewApp(occasion);
      const said = h('p', { role: 'status' });
      const list = h('ul', { class: 'codes', 'aria-label': codes.list }, ...recoveryCodes.map((code) => h('li', {}, code)));
      const service = this.#config.service ?? location.host;
      const head = codes.fileHead(service, username, time(Date.now(), { dateStyle: 'long', timeStyle: 'short' }));
      const lines = [head, codes.use, '', ...recoveryCodes, ''];
      const copyAll = () => copy(lines.join('\n'), list, this.#texts, said);
      const download = () => {
        const url = URL.createObjectURL(new Blob([lines.join('\r\n')], { type: 'text/plain;charset=utf-8' }));
        h('a', { href: url, download: codes.file }).click();
        URL.revokeObjectURL(url);
        say(said, codes.downloaded(codes.file));
      };
      const code = this.#recoveryCodeField('');
      const form = this.#form(
        () => this.#actions.answer(code.value, 'recoveryCode'),
        this.#texts.continue,
        h('div', { class: 'field' },
          this.#problem, h('label', { for: code.id }, codes.one, earlierLeft !== 0 && gap + codes.earlier), code),
      );
      const keepOld = this.#button(codes.keepOld, this.#actions.giveUp);
      const keep = h('div', { class: 'row' },
        this.#button(codes.copy, copyAll), this.#button(codes.download, download), this.#button(codes.print, () => { say(said, ''); window.print(); }));
      return {
        title: codes.title,
        content: [
          occasion === 'due' && earlierLeft !== null && h('p', {}, codes.due(earlierLeft)),
          byCode && !newApp && h('p', {}, codes.codeUsed(needsTheApp(state))),
          h('p', {}, newApp && (occasion === 'replaced' ? codes.newPhoneIsSetUp : codes.appIsSetUp) + gap, codes.text), h('p', { class: 'printed' }, head, gap, codes.use), list, keep, said, form,
          this.#links(wish === 'NEW_RECOVERY_CODES' && earlierLeft !== 0 && keepOld, this.#chooses(newApp ? codes.later : cancelSignIn, 'back')),
        ],
        field: code,
        readFirst: true,
        patch: (state) => { keepOld.hidden = challenge(state).attemptsLeft < 2; },
      };
    },

    passcode: ({ prompt }) => {
      const { passcode, gap } = this.#texts;
      const code = this.#passcodeField('wait device hint');
      const submit = () => this.#actions.answer(code.value, 'both');
      const hint = this.#sendsItself(code, prompt.digits, submit);
      const wait = this.#waiting();
      const useRecoveryCode = this.#chooses(passcode.useRecoveryCode, 'recoveryCode');
      const form = this.#form(
        submit,
        this.#texts.continue,
        h('p', { id: 'device', class: 'hint' },
          prompt.wish === 'REPLACE_AUTHENTICATOR' && passcode.earlier + gap, prompt.deviceName && passcode.by(prompt.deviceName)),
        h('p', { id: 'hint', class: 'hint' }, hint),
        code,
      );
      return {
        title: passcode.title(this.#digits(prompt.digits)),
        labels: code,
        content: [
          wait.shown, wait.announced, form,
          this.#links(useRecoveryCode, this.#chooses(passcode.haveNeither, 'support'), this.#cancels(prompt)),
        ],
        field: code,
        patch: (state) => {
          const waits = waitUntil(state) !== null;
          wait.patch(state);
          if (waits === form.hidden) return;
          form.hidden = waits;
          code.value = '';
          // The person goes where an answer counts, and back, unless the wait was used for something else.
          if (waits) useRecoveryCode.focus();
          else if (document.activeElement === useRecoveryCode) code.focus();
        },
      };
    },

    recoveryCode: ({ prompt }) => {
      const { recoveryCode, passcode } = this.#texts;
      const code = this.#recoveryCodeField('hint');
      const hint = h('p', { id: 'hint', class: 'hint' }, recoveryCode.hint);
      const lost = h('input', { id: 'lost', name: 'lost', type: 'checkbox' });
      // A user who has asked for another phone sets one up anyway.
      const hidden = prompt.wish === 'REPLACE_AUTHENTICATOR';
      const lostRow = h('div', { class: 'check', hidden }, lost, h('label', { for: lost.id }, recoveryCode.lost, h('span', { class: 'hint' }, recoveryCode.lostLater)));
      // A problem that appears moves this under the second half of a double click on the button.
      lostRow.addEventListener('click', (event) => { if (event.detail > 1) event.preventDefault(); });
      const submit = () => this.#actions.answer(code.value, 'recoveryCode', { lost: lost.checked });
      return {
        title: recoveryCode.title,
        labels: code,
        content: [
          this.#form(submit, this.#texts.continue, hint, code, lostRow),
          this.#links(
            !prompt.stopped && this.#chooses(recoveryCode.usePasscode, 'passcode'),
            this.#chooses(passcode.haveNeither, 'support'),
            this.#cancels(prompt),
          ),
        ],
        field: code,
      };
    },

    support: () => {
      const { support, back } = this.#texts;
      return {
        title: support.title,
        content: [
          h('p', {}, support.ask(this.#config.support || support.who)),
          h('p', {}, support.then),
          this.#links(this.#chooses(back, 'back')),
        ],
      };
    },

    remove: ({ stopped }) => {
      const { remove } = this.#texts;
      const code = this.#recoveryCodeField('wait');
      const wait = this.#waiting();
      let waits = false;
      const form = this.#form(
        // A passcode would cost a try, and be refused.
        () => this.#actions.answer(code.value, stopped || waits ? 'recoveryCode' : 'both'),
        remove.button,
        h('div', { class: 'field' }, h('label', { for: code.id }, remove.label), code),
      );
      const keep = this.#button(remove.keep, this.#actions.giveUp);
      const cancel = this.#chooses(remove.cancel, 'back');
      return {
        title: remove.title,
        content: [h('p', {}, remove.text), wait.shown, wait.announced, form, this.#links(keep, cancel)],
        field: code,
        patch: (state) => {
          // To keep it is an answer, and the last one that is not a code ends the sign-in.
          keep.hidden = challenge(state).attemptsLeft < 2;
          cancel.hidden = !keep.hidden;
          waits = waitUntil(state) !== null;
          wait.patch(state);
        },
      };
    },

    signedIn: ({ claims, username, wrongPasscodes }) => {
      const { signedIn } = this.#texts;
      const until = h('dd', {});
      const factor = claims['second_factor'];
      const byCode = factor === 'recovery_code';
      const wrong = Number(claims['second_factor_wrong_passcodes'] ?? 0);
      const enrolled = claims['second_factor_enrolled'];
      const isOn = enrolled !== 'false';
      // Tokens of a refresh need not say so, and then nobody knows where users may do without.
      const word = !isOn ? 'none' : byCode || factor === 'totp' ? factor : enrolled || this.#config.optional !== true ? 'on' : null;
      const { signOut, wished, renew } = this.#actions;
      const anotherPhone = this.#button(signedIn.anotherPhone, () => wished('REPLACE_AUTHENTICATOR'), byCode ? 'button' : 'link');
      const leave = this.#button(signedIn.signOut, () => signOut(), byCode ? 'link' : 'button');
      return {
        title: signedIn.title,
        content: [
          // Not those that the user has just typed here.
          wrong > wrongPasscodes ? h('p', { class: 'problem' }, signedIn.wrongPasscodes(wrong)) : null,
          ...(byCode ? [h('p', {}, signedIn.codeUsed), anotherPhone] : []),
          h('dl', {},
            h('dt', {}, signedIn.account), h('dd', {}, claims['email'] ?? username),
            ...(word ? [h('dt', {}, signedIn.secondStep), h('dd', {}, signedIn.factors[word])] : []),
            h('dt', {}, signedIn.since), h('dd', {}, time(Number(claims['auth_time']) * 1000, { timeStyle: 'short' })),
            h('dt', {}, signedIn.validUntil), until),
          h('p', { class: 'hint' }, signedIn.newTab),
          h('div', { class: 'row' },
            this.#button(signedIn.renew, renew),
            isOn && !byCode && anotherPhone,
            isOn && this.#button(signedIn.newCodes, () => wished('NEW_RECOVERY_CODES')),
            isOn && this.#config.optional === true && this.#button(signedIn.turnOff, () => wished('REMOVE_AUTHENTICATOR')),
            !isOn && this.#button(signedIn.turnOn, () => wished('SET_UP'))),
          leave,
        ],
        patch: (state) => { if (state.screen === 'signedIn') say(until, time(state.expires, { timeStyle: 'medium' })); },
      };
    },

    problem: () => ({
      title: this.#texts.problemTitle,
      content: [this.#button(this.#texts.reload, this.#actions.reload, 'button'), this.#links(this.#chooses(this.#texts.startAgain, 'restart'))],
    }),
  };
}

/** A screen is built anew where it shows something else. */
function key(state: State): string {
  return state.screen + (state.screen === 'setUp' ? state.secretCode : state.screen === 'signIn' ? state.wish : '');
}

/** Black on white of its own, because many scanners cannot read a light code on a dark page. */
function drawing({ side, path }: { side: number; path: string }, name: string): SVGElement {
  const box = { role: 'img', 'aria-label': name, viewBox: `0 0 ${side} ${side}`, 'shape-rendering': 'crispEdges' };
  return svg('svg', box, svg('rect', { width: `${side}`, height: `${side}`, fill: '#fff' }), svg('path', { d: path, fill: '#000' }));
}

function time(at: number, format: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(document.documentElement.lang, format).format(at);
}

/** Such as "2 minutes 5 seconds", in words, because "2:05" is read as a time of day. */
function duration(seconds: number): string {
  const format = (value: number, unit: string) =>
    new Intl.NumberFormat(document.documentElement.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  return [minutes && format(minutes, 'minute'), (rest || !minutes) && format(rest, 'second')].filter(Boolean).join(' ');
}

/** Without a clipboard, as on http under a name, what is to be copied is selected. */
async function copy(text: string, shown: Element, { codes }: Texts, said: Element) {
  try {
    await navigator.clipboard.writeText(text);
    say(said, codes.copied);
  } catch {
    getSelection()?.selectAllChildren(shown);
    say(said, codes.selected);
  }
}
