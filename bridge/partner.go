package bridge

// A hub may belong to a partner: another business with which one of our hubs
// shares assets. It is connected with a token of the partner's, to look only.
const HubReadOnly Code = "hub.read-only"
