// Adbridge bridges an identity provider to ad platforms: it is a SCIM 2.0
// server to which Okta or Entra ID push people and groups, and it sees to it
// that the groups' members have their roles on TikTok Business Centers and
// Meta business portfolios.
//
// This package wires the others together (NewApp), holds the lanes, and is the
// command line: one file a command. A command works on the database directly,
// beside a running server if there is one, which takes the change up within
// two seconds.
package main
