package tiktok

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"adbridge/connectors/internal/rest"
)

// envelope wraps every answer, yes or no.
type envelope struct {
	Code      *int            `json:"code"`
	Message   string          `json:"message"`
	RequestID string          `json:"request_id"`
	Data      json.RawMessage `json:"data"`
}

// ident is an id: documented as a string of decimal digits, taken as a number
// too, and never through a float (19 digits do not fit one).
type ident string

func (i *ident) UnmarshalJSON(b []byte) error {
	switch {
	case bytes.Equal(b, []byte("null")):
		*i = ""
		return nil
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(i))
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return fmt.Errorf("id %s is neither a string nor a whole number", b)
	}
	*i = ident(strconv.FormatInt(n, 10))
	return nil
}

type pageInfo struct {
	Page        int  `json:"page"`
	PageSize    int  `json:"page_size"`
	TotalNumber *int `json:"total_number"`
	TotalPage   *int `json:"total_page"`
}

type memberRow struct {
	UserID         ident    `json:"user_id"`
	UserName       string   `json:"user_name"`
	UserRole       string   `json:"user_role"`
	RelationStatus string   `json:"relation_status"`
	UserEmail      string   `json:"user_email"`
	ExtUserRole    *finance `json:"ext_user_role"`
}

type finance struct {
	FinanceRole string `json:"finance_role"`
}

type centerPage struct {
	List []struct {
		Info struct {
			ID           ident  `json:"bc_id"`
			Name         string `json:"name"`
			Status       string `json:"status"`
			Verification string `json:"verification_status"` // NOT_SUBMITTED, REVIEWING, VERIFIED, FAILED, EXPIRED; may be left out
		} `json:"bc_info"`
		UserRole string `json:"user_role"`
	} `json:"list"`
	PageInfo *pageInfo `json:"page_info"`
}

// account is user/info. The id is core_user_id in the reference and id in its
// example; both are taken.
type account struct {
	CoreUserID  ident  `json:"core_user_id"`
	ID          ident  `json:"id"`
	DisplayName string `json:"display_name"`
	Email       string `json:"email"`
}

func (a account) id() string {
	if a.CoreUserID != "" {
		return string(a.CoreUserID)
	}
	return string(a.ID)
}

// filtering is the JSON text of one query parameter.
type filtering struct {
	Keyword        string `json:"keyword,omitempty"`
	UserRole       string `json:"user_role,omitempty"`
	RelationStatus string `json:"relation_status,omitempty"`
	UserID         string `json:"user_id,omitempty"` // of bc/asset/get
}

// decode reads the envelope; data, where wanted, goes into into.
func (c *Connector) decode(write bool, into any) func(rest.Answer) rest.Reading {
	return func(a rest.Answer) rest.Reading {
		var e envelope
		r := rest.Reading{RequestID: a.Header.Get("X-Tt-Logid")}
		if err := json.Unmarshal(a.Body, &e); err != nil {
			r.Unreadable = fmt.Errorf("not JSON: %w", err)
			return r
		}
		if e.RequestID != "" {
			r.RequestID = e.RequestID
		}
		if e.Code == nil {
			r.Unreadable = errors.New("no TikTok envelope: there is no code")
			return r
		}
		r.Code, r.Message = *e.Code, e.Message
		if r.Code != 0 {
			c.refuse(&r, write)
			return r
		}
		if a.Status >= 400 { // an envelope that says yes under a status that says no
			r.Unreadable = errors.New("code 0 under an HTTP error")
			return r
		}
		c.throttles.Store(0)
		if into == nil {
			return r
		}
		if len(e.Data) == 0 || bytes.Equal(e.Data, []byte("null")) {
			r.Unreadable = errors.New("there is no data")
		} else if err := json.Unmarshal(e.Data, into); err != nil {
			r.Unreadable = fmt.Errorf("data: %w", err)
		}
		return r
	}
}
