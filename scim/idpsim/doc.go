// Package idpsim is Okta and Microsoft Entra ID seen from where adbridge
// stands: two HTTP clients that send what the real ones send, byte for byte
// where it is known, and that are as particular about the answers.
//
// It is the far end of the first journey. An identity team assigns Ana to a
// group; their IdP looks her up, creates her, pushes the group and adds her.
// [Okta] and [Entra] make those requests, each in its own dialect:
//
//   - Okta looks people up by userName, updates them with a PUT that echoes
//     the body it was given, repeats the group's name with each change of its
//     members, pages through everything on import, and never deletes a person.
//   - Entra matches by externalId and userName, writes booleans as words
//     ("False"), operations with a capital ("Replace"), and removes members by
//     value; with the flag aadOptscim062020 it follows the RFC instead. It
//     never reads members back, so a membership that is lost stays lost.
//
// Both believe nothing: a 201 without an id, a count that is a string, a
// userName returned in other letters, or a page that repeats a person ends in
// an [Error] that says what the IdP's admin would see.
//
// [Story] turns people and groups given as data into the steps of a demo,
// [NewCompany] invents the people, and [Replay] sends the recorded examples of
// both vendors and reads their effect back.
//
// The package imports nothing of ours, so that it cannot share a misreading
// with the server it tests.
//
// Sources: okta/okta-developer-docs (reference/scim/scim-20, concepts/scim/faqs),
// MicrosoftDocs/entra-docs (identity/app-provisioning: T = use-scim-to-provision,
// C = application-provisioning-config-problem-scim-compatibility,
// Q = application-provisioning-quarantine-status, H = how-provisioning-works),
// V = Microsoft's SCIM validator as recorded in pranems/SCIMServer.
package idpsim
