// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Who changes a job now, and when the last token ends of changes whose answer was lost. A row says at least one of the two:
    /// there is none for a job that nobody changes. `lease_ends` is there with `holder`.
    static let turns: [String] = [
        """
        CREATE TABLE update_turns (
            cluster TEXT NOT NULL, job BIGINT NOT NULL, holder TEXT, lease_ends BIGINT, token_ends BIGINT,
            PRIMARY KEY (cluster, job))
        """
    ]
}
