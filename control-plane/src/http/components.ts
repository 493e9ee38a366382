import * as access from '@drover/shared/api/access';
import * as audit from '@drover/shared/api/audit';
import * as cells from '@drover/shared/api/cells';
import * as directories from '@drover/shared/api/directories';
import * as hostViews from '@drover/shared/api/host-views';
import * as identity from '@drover/shared/api/identity';
import * as requests from '@drover/shared/api/requests';
import * as upgrades from '@drover/shared/api/upgrades';
import * as views from '@drover/shared/api/views';
import { ProblemView } from '@drover/shared/lib/problem';
import { AuditEntry } from '@drover/shared/model/audit';

import {
  ConnectRequest,
  Credentials,
  EnrolCheckReply,
  EnrolCheckRequest,
  EnrolReply,
  EnrolRequest,
  HostKeyReply,
  HostKeyRequest,
  ReleaseReply,
} from '@drover/shared/protocol/agent-api';
import { z } from 'zod';

/** Answers that are only put together here. */
export const GuestPage = views.page(views.GuestView);
export const HostPage = views.page(views.HostView);
export const ImagePage = views.page(views.ImageView);
export const StoragePage = views.page(views.StorageView);
export const NetworkPage = views.page(views.NetworkView);
export const TaskPage = views.page(views.TaskView);
export const UserPage = views.page(views.UserView);
export const TokenPage = views.page(views.TokenView);
export const AuditPage = views.page(AuditEntry);
export const GroupPage = views.page(access.GroupView);
export const AcceptedGuest = views.accepted(views.GuestView);
export const AcceptedImage = views.accepted(views.ImageView);
/** `resource` is null when nothing had to be waited for: it is gone already. */
export const AcceptedGuestDeletion = views.accepted(views.GuestView.nullable());
export const AcceptedImageDeletion = views.accepted(views.ImageView.nullable());

/** An action that needs no words: no body, or an empty object. */
export const Nothing = z.strictObject({});
export const RebootGuest = z.strictObject({ force: z.boolean().default(false) });

/** Names of the OpenAPI document's components. */
export const COMPONENTS = z.registry<{ id: string }>();
export const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  Problem: ProblemView,
  Guest: views.GuestView,
  Host: views.HostView,
  HostHardware: hostViews.HardwareView,
  HostFigures: hostViews.HostFiguresView,
  GuestFigures: hostViews.GuestFiguresView,
  Cell: cells.CellView,
  Cells: cells.CellsView,
  CellFiles: cells.CellFilesView,
  CheckLogins: cells.CheckLoginsView,
  CreateCell: cells.CreateCell,
  DrainCell: cells.DrainCell,
  MoveHost: cells.MoveHost,
  Image: views.ImageView,
  Storage: views.StorageView,
  Network: views.NetworkView,
  Task: views.TaskView,
  User: views.UserView,
  Token: views.TokenView,
  Session: views.SessionView,
  Enrolment: views.EnrolmentView,
  EnrolmentToken: views.EnrolmentTokenView,
  EnrolmentTokens: views.EnrolmentTokensView,
  SigningKey: views.SigningKeyView,
  Stream: views.StreamView,
  ChangeEvent: views.ChangeEvent,
  TaskLogLine: views.TaskLogLine,
  CreateGuest: requests.CreateGuest,
  EditGuest: requests.EditGuest,
  PowerGuests: requests.PowerGuests,
  PoweredGuests: views.PoweredGuests,
  ExecGuest: requests.ExecGuest,
  CreateImage: requests.CreateImage,
  EditHost: requests.EditHost,
  AffectedGuests: upgrades.AffectedGuestsView,
  Begun: upgrades.BegunView,
  PowerHost: upgrades.PowerHost,
  UpgradeHosts: upgrades.UpgradeHosts,
  Upgrades: upgrades.UpgradesView,
  ReplaceHost: requests.ReplaceHost,
  ReplacedHost: hostViews.ReplacedHost,
  CreateEnrolment: requests.CreateEnrolment,
  CreateUser: requests.CreateUser,
  CreateToken: requests.CreateToken,
  SignIn: identity.SignIn,
  SignedIn: identity.SignedIn,
  SignInWays: directories.SignInWaysView,
  Directory: directories.DirectoryView,
  Directories: directories.DirectoriesView,
  CreateDirectory: directories.CreateDirectory,
  EditDirectory: directories.EditDirectory,
  TestDirectory: directories.TestDirectory,
  DirectoryTest: directories.DirectoryTestView,
  SyncDirectory: directories.SyncDirectory,
  SyncedDirectory: directories.SyncedDirectoryView,
  TieDirectoryUser: directories.TieDirectoryUser,
  SecondFactorNeeded: identity.SecondFactorNeeded,
  GiveSecondFactor: identity.GiveSecondFactor,
  PasskeyChallenge: identity.PasskeyChallenge,
  SetPassword: identity.SetPassword,
  PasswordSet: identity.PasswordSetView,
  DisableUser: identity.DisableUser,
  EndedSessions: identity.EndedSessionsView,
  ConfirmTotp: identity.ConfirmTotp,
  NewTotp: identity.NewTotpView,
  RecoveryCodes: identity.RecoveryCodesView,
  Passkey: identity.PasskeyView,
  AddPasskey: identity.AddPasskey,
  RenamePasskey: identity.RenamePasskey,
  Account: identity.AccountView,
  SignInSession: identity.SignInSessionView,
  SignInSessions: identity.SignInSessionsView,
  SignInPolicy: identity.SignInPolicy,
  EditSignInPolicy: identity.EditSignInPolicy,
  Nothing,
  RebootGuest,
  EnrolRequest,
  EnrolCheckReply,
  EnrolCheckRequest,
  EnrolReply,
  ConnectRequest,
  Credentials,
  HostKeyRequest,
  HostKeyReply,
  ReleaseReply,
  Catalogue: views.CatalogueView,
  TaskLog: views.TaskLogView,
  SignInLink: views.SignInLinkView,
  NewToken: views.NewTokenView,
  GuestPage,
  HostPage,
  ImagePage,
  StoragePage,
  NetworkPage,
  TaskPage,
  UserPage,
  GroupPage,
  AuditPage,
  AuditEntry,
  AuditVerdict: audit.AuditVerdict,
  Group: access.GroupView,
  CreateGroup: access.CreateGroup,
  GroupMember: access.GroupMember,
  Grant: access.GrantView,
  Grants: access.GrantsView,
  Holders: access.HoldersView,
  CreateGrant: access.CreateGrant,
  Role: access.RoleView,
  Roles: access.RolesView,
  CreateRole: access.CreateRole,
  Pool: access.PoolView,
  Pools: access.PoolsView,
  CreatePool: access.CreatePool,
  EditPool: access.EditPool,
  SetPool: access.SetPool,
  Explanation: access.LiveExplanation,
  ThingExplanation: access.LiveThingExplanation,
  MapExplanation: access.LiveMapExplanation,
  TokenPage,
  AcceptedGuest,
  AcceptedImage,
  AcceptedGuestDeletion,
  AcceptedImageDeletion,
};
for (const [id, schema] of Object.entries(SCHEMAS)) COMPONENTS.add(schema, { id });
