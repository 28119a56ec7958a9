-- What all processes have booked of the calls of each platform app.

-- +goose Up
CREATE TABLE budgets (
    platform TEXT NOT NULL,
    app      TEXT NOT NULL, -- whom the platform limits: API URL and app id, or a mark of the token
    ledger   TEXT NOT NULL, -- JSON, see connectors.Ledger
    PRIMARY KEY (platform, app)
);

-- +goose Down
DROP TABLE budgets;
