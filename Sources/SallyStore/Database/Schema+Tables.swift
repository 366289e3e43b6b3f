// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Times are whole seconds since 1970; hashes are lower-case hexadecimal.
    static let firstTables: [String] = [
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
        "INSERT INTO counters (name, value) VALUES ('person', 0), ('submission', 0), ('sign-in', 0)",

        // The ledger. A row here is for ever, whatever becomes of the person.
        "CREATE TABLE given_names (name TEXT PRIMARY KEY, given BIGINT NOT NULL)",
        "CREATE TABLE given_uids (uid BIGINT PRIMARY KEY, given BIGINT NOT NULL)",
        """
        CREATE TABLE people (
            id BIGINT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, provider TEXT NOT NULL,
            display_name TEXT NOT NULL, mail TEXT,
            user_name TEXT NOT NULL UNIQUE REFERENCES given_names (name),
            uid BIGINT NOT NULL UNIQUE REFERENCES given_uids (uid),
            member_of TEXT NOT NULL, local_role TEXT NOT NULL, created BIGINT NOT NULL, offboarded BIGINT,
            UNIQUE (issuer, subject))
        """,

        """
        CREATE TABLE sessions (
            id TEXT PRIMARY KEY, person BIGINT NOT NULL REFERENCES people (id), client TEXT NOT NULL,
            created BIGINT NOT NULL, last_used BIGINT NOT NULL, expires BIGINT NOT NULL, ended BIGINT)
        """,
        "CREATE INDEX sessions_by_person ON sessions (person)",
        "CREATE INDEX sessions_by_expiry ON sessions (expires)",
        """
        CREATE TABLE refresh_tokens (
            hash TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions (id), generation BIGINT NOT NULL,
            replaced BIGINT, sealed_successor TEXT, UNIQUE (session, generation))
        """,

        """
        CREATE TABLE pending_sign_ins (
            state_hash TEXT PRIMARY KEY, serial BIGINT NOT NULL UNIQUE, provider TEXT NOT NULL, nonce TEXT NOT NULL,
            verifier TEXT NOT NULL, client_challenge TEXT NOT NULL, loopback TEXT, client_state TEXT,
            client TEXT NOT NULL, expires BIGINT NOT NULL)
        """,
        "CREATE INDEX pending_sign_ins_by_expiry ON pending_sign_ins (expires)",
        """
        CREATE TABLE gateway_codes (
            code_hash TEXT PRIMARY KEY, serial BIGINT NOT NULL UNIQUE, person BIGINT NOT NULL REFERENCES people (id),
            client_challenge TEXT NOT NULL, client TEXT NOT NULL, expires BIGINT NOT NULL)
        """,
        "CREATE INDEX gateway_codes_by_person ON gateway_codes (person)",
        "CREATE INDEX gateway_codes_by_expiry ON gateway_codes (expires)",

        // idempotency_key becomes NULL when it expires: the row stays, because it says whose job it was.
        """
        CREATE TABLE submissions (
            id BIGINT PRIMARY KEY, person BIGINT NOT NULL REFERENCES people (id), cluster TEXT NOT NULL,
            idempotency_key TEXT, fingerprint TEXT NOT NULL, decided_sequence BIGINT NOT NULL,
            decided_hash TEXT NOT NULL, created BIGINT NOT NULL, state TEXT NOT NULL, job BIGINT,
            slurm_number BIGINT, slurm_text TEXT, finished BIGINT, UNIQUE (person, cluster, idempotency_key))
        """,
        "CREATE INDEX submissions_by_job ON submissions (cluster, job)",
        // What a start has to settle: few rows at any time.
        "CREATE INDEX submissions_open ON submissions (cluster, id) WHERE state IN ('reserved', 'unknown')",

        // One row for each number, each made from the row before it: a fork cannot be written. An index on the hashes would
        // cost each event two pages somewhere in a tree and find nothing that verifying does not.
        """
        CREATE TABLE audit_events (
            sequence BIGINT PRIMARY KEY, time BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, cluster TEXT,
            target TEXT, outcome TEXT NOT NULL, rule TEXT, request TEXT, details TEXT NOT NULL,
            previous TEXT NOT NULL, hash TEXT NOT NULL)
        """,
        "CREATE INDEX audit_events_by_actor ON audit_events (actor, sequence)",
        "CREATE INDEX audit_events_by_target ON audit_events (target, sequence)",
    ]

    /// Rows that are never taken away or changed. The only statements in SQLite's dialect: PostgreSQL says the same with
    /// a function.
    static let firstGuards: [String] =
        ["given_names", "given_uids", "audit_events"].flatMap { table in
            ["DELETE", "UPDATE"].map { verb in guardStatement(table, verb, "", "rows of \(table) are for ever") }
        } + [
            guardStatement("people", "DELETE", "", "people are never deleted"),
            guardStatement(
                "people", "UPDATE OF id, issuer, subject, user_name, uid, created", "",
                "the account of a person never changes"),
            guardStatement(
                "people", "UPDATE OF offboarded", "WHEN old.offboarded IS NOT NULL", "offboarding is not taken back"),
            guardStatement(
                "sessions", "UPDATE OF ended", "WHEN old.ended IS NOT NULL", "an ended session is not taken back"),
        ]

    private static func guardStatement(_ table: String, _ verb: String, _ when: String, _ message: String) -> String {
        let name = "\(table)_\(verb.filter { $0.isLetter || $0 == " " }.replacing(" ", with: "_"))"
        return """
            CREATE TRIGGER \(name) BEFORE \(verb) ON \(table) FOR EACH ROW \(when)
            BEGIN SELECT RAISE(ABORT, '\(message)'); END
            """
    }
}
