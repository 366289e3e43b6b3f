// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Keys belong to an operation. A constraint of a table cannot be changed in SQLite, so the rows move to a new one. What
    /// is open stays open.
    static let keysPerOperation: [String] = [
        """
        CREATE TABLE submissions_by_operation (
            id BIGINT PRIMARY KEY, person BIGINT NOT NULL REFERENCES people (id), cluster TEXT NOT NULL,
            operation TEXT NOT NULL, idempotency_key TEXT, fingerprint TEXT NOT NULL, decided_sequence BIGINT NOT NULL,
            decided_hash TEXT NOT NULL, created BIGINT NOT NULL, mint_by BIGINT, state TEXT NOT NULL, job BIGINT,
            slurm_number BIGINT, slurm_text TEXT, finished BIGINT,
            UNIQUE (person, cluster, operation, idempotency_key))
        """,
        """
        INSERT INTO submissions_by_operation (id, person, cluster, operation, idempotency_key, fingerprint,
            decided_sequence, decided_hash, created, state, job, slurm_number, slurm_text, finished)
        SELECT id, person, cluster, 'submit', idempotency_key, fingerprint,
            decided_sequence, decided_hash, created, state, job, slurm_number, slurm_text, finished FROM submissions
        """,
        "DROP TABLE submissions",
        "ALTER TABLE submissions_by_operation RENAME TO submissions",
        "CREATE INDEX submissions_by_job ON submissions (cluster, job)",
        "CREATE INDEX submissions_open ON submissions (cluster, id) WHERE state IN ('reserved', 'unknown')",
        // What a purge looks at: the keys of one day.
        "CREATE INDEX submissions_keyed ON submissions (cluster, created) WHERE idempotency_key IS NOT NULL",
    ]
}
