// SPDX-License-Identifier: Apache-2.0

/// What an idempotency key is for: for another operation the same key is another key.
package enum KeyedOperation: String, Sendable, CaseIterable {
    /// `POST /v1/clusters/NAME/jobs`.
    case submit
    /// `POST /slurm/VERSION/job/submit` of the front for clients of slurmrestd.
    case slurmSubmit = "slurm-submit"
}
