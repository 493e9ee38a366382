/** Notes the first thing that should never have happened. It does not throw: what it watches must not be disturbed, nor swallow it. */
export class Judge {
  violation: string | null = null;

  check(condition: boolean, message: string): void {
    if (!condition) this.violation ??= message;
  }
}
