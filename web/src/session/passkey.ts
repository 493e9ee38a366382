import {
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';
import { Refusal } from '../api.ts';
import { t } from '../text/t.ts';

/** The options come from our own control plane, whose library made them for just this. */
export const askPasskey = (options: unknown): Promise<unknown> =>
  explained(() => startAuthentication({ optionsJSON: options as PublicKeyCredentialRequestOptionsJSON }));

export const makePasskey = (options: unknown): Promise<unknown> =>
  explained(() => startRegistration({ optionsJSON: options as PublicKeyCredentialCreationOptionsJSON }));

/** Browsers do not say what went wrong, so that pages learn nothing of the person. */
async function explained<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const problem = { code: 'not-allowed', status: 403, title: '', retryable: true } as const;
    throw new Refusal({ ...problem, detail: t('passkey.failed'), suggestion: t('passkey.failed.hint') }, 'passkey', error);
  }
}
