package idpsim

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
)

// IdP is what Okta and Entra ID can both be told to do. What only one of them
// does is a method of that one: [Okta.Import], [Okta.ReplaceMembers],
// [Okta.ChangeMembers], [Entra.SetManager].
type IdP interface {
	// Name is the vendor's name, "Okta" or "Entra ID".
	Name() string
	// TestConnection does what the button of that name does.
	TestConnection(ctx context.Context) error
	// CreateUser looks the person up first and links who is found; only who is
	// not found is created. It returns the SCIM id that the IdP now holds.
	CreateUser(ctx context.Context, u User) (id string, err error)
	// UpdateUser pushes the profile. Fields left empty are not mapped: they
	// stay as they are.
	UpdateUser(ctx context.Context, id string, u User) error
	Deactivate(ctx context.Context, id string) error
	Reactivate(ctx context.Context, id string) error
	// DeleteUser removes the person. Okta never does so: there it deactivates.
	DeleteUser(ctx context.Context, id string) error
	// PushGroup links the group if there is one of that name (Entra: or that
	// externalId), creates it empty if not, then adds g.Members.
	PushGroup(ctx context.Context, g Group) (id string, err error)
	AddMembers(ctx context.Context, groupID string, ids ...string) error
	RemoveMembers(ctx context.Context, groupID string, ids ...string) error
	RenameGroup(ctx context.Context, groupID, displayName string) error
	DeleteGroup(ctx context.Context, groupID string) error
}

// User is a person as the IdP knows them, before any mapping.
type User struct {
	// ExternalID is the IdP's own key. Left empty, one in the vendor's form is
	// derived from UserName, the same in every run.
	ExternalID     string
	UserName       string
	Email          string
	GivenName      string
	FamilyName     string
	DisplayName    string
	Title          string
	Department     string
	EmployeeNumber string
	Mobile         string
	Password       string // Okta only, and only on creation
}

// Group is a group as the IdP knows it. Members are SCIM ids, except in a
// [Story], where they are userNames.
type Group struct {
	ExternalID  string
	DisplayName string
	Members     []string
}

// Error is a request that did not go the way the IdP needs it to.
type Error struct {
	IdP          string
	Doing        string // "create user ana@example.com"
	Method, Path string
	Status       int    // 0 when there was no answer
	ScimType     string // from the answer, as is Detail
	Detail       string
	Problem      string // what is wrong with the answer, if not its status
	Seen         string // what the IdP's admin sees, and what happens next
	Err          error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s %s", e.IdP, e.Doing, e.Method, e.Path)
	if e.Status != 0 {
		fmt.Fprintf(&b, " answered %d", e.Status)
	}
	if e.ScimType != "" {
		fmt.Fprintf(&b, " %s", e.ScimType)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, " (%q)", e.Detail)
	}
	if e.Problem != "" {
		fmt.Fprintf(&b, ": %s", e.Problem)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Seen != "" {
		fmt.Fprintf(&b, "; what the admin sees: %s", e.Seen)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	listURN       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	patchURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	errorURN      = "urn:ietf:params:scim:api:messages:2.0:Error"
	// adscimURN goes with every group Entra creates (T).
	adscimURN = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
)

// guid is a random version 4 GUID, as Entra's connection test sends.
func guid() string {
	var b [16]byte
	rand.Read(b[:])
	return guidOf(b)
}

func guidOf(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// entraKey stands for the object id of the person or group called name.
func entraKey(kind, name string) string {
	sum := sha256.Sum256([]byte("entra " + kind + " " + strings.ToLower(name)))
	return guidOf([16]byte(sum[:16]))
}

// oktaKey stands for the Okta user id, twenty letters and digits from "00u" on.
func oktaKey(name string) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	sum := sha256.Sum256([]byte("okta user " + strings.ToLower(name)))
	key := []byte("00u")
	for _, b := range sum[:17] {
		key = append(key, digits[int(b)%len(digits)])
	}
	return string(key)
}

// batches cuts ids into requests of at most size each; 0 puts all in one.
func batches(ids []string, size int) [][]string {
	if size <= 0 || len(ids) <= size {
		if len(ids) == 0 {
			return nil
		}
		return [][]string{ids}
	}
	return append([][]string{ids[:size]}, batches(ids[size:], size)...)
}
