package tiktoksim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testBC    = "1659674186450949"
	otherBC   = "1659674186450950"
	adaID     = "6816184256936150001"
	benID     = "6816184256936150002"
	cyID      = "6816184256936150003"
	account1  = "6917610070750527493"
	account2  = "6917610070750527494"
	catalog1  = "7017610070750527001"
	shop1     = "7017610070750527002"
	pixel1    = "7017610070750527003"
	lead1     = "7017610070750527004"
	ttacct1   = "7017610070750527005"
	adaToken  = "token-of-ada"
	benToken  = "token-of-ben"
	testApp   = "7000000000000000001"
	testStart = "2026-03-04T05:06:07Z"
)

func testWorld() World {
	return World{
		Apps:   []App{{AppID: testApp, Secret: "s3cret", Name: "Bridge"}},
		Tokens: []Token{{Token: adaToken, AppID: testApp, User: adaID}, {Token: benToken, AppID: testApp, User: benID}},
		BusinessCenters: []BusinessCenter{{
			BCID: testBC, Name: "ACME_BC", Company: "ACME Inc", Currency: "USD", RegisteredArea: "US", Timezone: "America/New_York",
			Type: "SELF_SERVICE", OrganizationType: "STANDARD",
			Members: []Member{
				{UserID: adaID, Email: "dana@example.com", Name: "Dana", Role: "ADMIN", FinanceRole: "MANAGER"},
				{UserID: benID, Email: "ben.t@example.com", Name: "Ben", Role: "STANDARD",
					Assets: []Grant{{AssetType: "ADVERTISER", AssetID: account1, AdvertiserRole: "OPERATOR"}}},
				{Email: "newbie@example.com", Role: "STANDARD", Status: "PENDING"},
			},
			Assets: []Asset{
				{AssetType: "ADVERTISER", AssetID: account1, Name: "ACME US", AdvertiserAccountType: "AUCTION", AdvertiserStatus: "STATUS_ENABLE", ShowStatus: "SHOW_ACCOUNT_STATUS_APPROVED"},
				{AssetType: "ADVERTISER", AssetID: account2, Name: "ACME DE", AdvertiserAccountType: "AUCTION"},
				{AssetType: "CATALOG", AssetID: catalog1, Name: "Shoes", AdCreationEligible: "AVAILABLE"},
				{AssetType: "TIKTOK_SHOP", AssetID: shop1, Name: "Shop"},
				{AssetType: "PIXEL", AssetID: pixel1, Name: "Pixel", PixelCode: "C4ABC"},
				{AssetType: "LEAD", AssetID: lead1, Name: "Forms"},
				{AssetType: "TT_ACCOUNT", AssetID: ttacct1, Name: "@acme"},
			},
		}, {
			BCID: otherBC, Name: "AGENCY_BC", Members: []Member{{UserID: cyID, Email: "cy@agency.example", Name: "Cy", Role: "ADMIN"}},
		}},
	}
}

// clock is a time that only moves when told to.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

// bench is a simulator behind a real connection.
type bench struct {
	*Sim
	t   *testing.T
	url string
}

func start(t *testing.T, o Options) *bench {
	t.Helper()
	if len(o.World.BusinessCenters) == 0 {
		o.World = testWorld()
	}
	if o.Now == nil {
		at, _ := time.Parse(time.RFC3339, testStart)
		o.Now = (&clock{t: at}).now
	}
	if o.QPS == 0 && o.QPM == 0 {
		o.QPS, o.QPM, o.QPD = -1, -1, -1
	}
	s := New(o)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &bench{s, t, srv.URL}
}

// reply is a decoded envelope.
type reply struct {
	Code      int             `json:"code"`
	Message   string          `json:"message"`
	RequestID string          `json:"request_id"`
	Data      json.RawMessage `json:"data"`
	raw       string
	status    int
	header    http.Header
}

func (b *bench) send(req *http.Request) (reply, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{raw: string(body), status: res.StatusCode, header: res.Header}
	json.Unmarshal(body, &r)
	return r, nil
}

func (b *bench) must(r reply, err error) reply {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) tryPost(op, body string) (reply, error) {
	req, _ := http.NewRequest("POST", b.url+"/open_api/v1.3/"+op+"/", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Access-Token", adaToken)
	return b.send(req)
}

func (b *bench) post(op, body string) reply {
	b.t.Helper()
	return b.must(b.tryPost(op, body))
}

func (b *bench) postAs(token, op, body string) reply {
	b.t.Helper()
	req, _ := http.NewRequest("POST", b.url+"/open_api/v1.3/"+op+"/", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Access-Token", token)
	return b.must(b.send(req))
}

func (b *bench) tryGet(op, query string) (reply, error) {
	return b.getAs(adaToken, op, query)
}

func (b *bench) getAs(token, op, query string) (reply, error) {
	req, _ := http.NewRequest("GET", b.url+"/open_api/v1.3/"+op+"/?"+encode(query), nil)
	if token != "" {
		req.Header.Set("Access-Token", token)
	}
	return b.send(req)
}

func (b *bench) get(op, query string) reply {
	b.t.Helper()
	return b.must(b.tryGet(op, query))
}

// encode takes a readable query, "a=1&filtering={...}".
func encode(query string) string {
	q := url.Values{}
	for _, kv := range strings.Split(query, "&") {
		if k, v, ok := strings.Cut(kv, "="); ok {
			q.Add(k, v)
		}
	}
	return q.Encode()
}

func (b *bench) want(r reply, code int, message string) {
	b.t.Helper()
	if r.Code != code || r.status != 200 || !strings.Contains(r.Message, message) {
		b.t.Fatalf("got HTTP %d %s, want code %d with %q", r.status, r.raw, code, message)
	}
}

func (b *bench) ok(r reply) reply {
	b.t.Helper()
	b.want(r, 0, "OK")
	return r
}

// data decodes data and fails on what it does not expect.
func data[T any](b *bench, r reply) T {
	b.t.Helper()
	b.ok(r)
	var v T
	dec := json.NewDecoder(bytes.NewReader(r.Data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		b.t.Fatalf("%v in %s", err, r.raw)
	}
	return v
}

type listed struct {
	List     []map[string]any `json:"list"`
	PageInfo pageInfo         `json:"page_info"`
}

func (b *bench) emails(query string) []string {
	b.t.Helper()
	all := []string{}
	for _, m := range data[listed](b, b.get("bc/member/get", "bc_id="+testBC+"&page_size=20&"+query)).List {
		all = append(all, fmt.Sprint(m["relation_status"], " ", m["user_email"]))
	}
	return all
}

func invitation(emails ...string) string {
	list, _ := json.Marshal(emails)
	return fmt.Sprintf(`{"bc_id":%q,"emails":%s,"user_role":"STANDARD"}`, testBC, list)
}

func (b *bench) member(email string) *Member {
	for _, m := range b.Members(testBC) {
		if strings.EqualFold(m.Email, email) {
			return &m
		}
	}
	return nil
}
