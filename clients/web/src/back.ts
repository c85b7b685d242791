// The browser's Back button, as the page's own: one entry of the history stands for whatever screen has a way back.

const MARK = 'signIn.hasBack';

/** `goBack` leaves a screen by its own way. Gives what has to hear, after each change, whether the screen has one. */
export function backButton(goBack: () => void): (hasBack: boolean) => void {
  let has = false;
  // `history.back` takes effect later, and looks like the button when it does.
  let unwinding = false;
  const keep = () => {
    if (unwinding) return;
    const isMarked = history.state === MARK;
    if (has && !isMarked) history.pushState(MARK, '');
    if (!has && isMarked) {
      unwinding = true;
      history.back();
    }
  };
  addEventListener('popstate', () => {
    if (unwinding) unwinding = false;
    else if (has && history.state !== MARK) goBack();
    keep();
  });
  return (hasBack) => {
    has = hasBack;
    keep();
  };
}
