// Package storagetest opens databases for tests and holds the suite that
// proves SQLite and PostgreSQL equal: Run is every claim the rest of adbridge
// relies on, one subtest a noun.
//
// PostgreSQL is the one installed on the machine: a private cluster in a
// temporary folder, started at the first use, ended with the test process.
// Without its binaries those tests are skipped, unless ADBRIDGE_TEST_POSTGRES
// is "require".
package storagetest
