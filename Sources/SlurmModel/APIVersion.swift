// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A version of slurmrestd's API: `v0.0.42`.
package struct APIVersion: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The last of the three numbers.
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// - Throws: `SallyError(.misconfigured)` for a version that is not spoken here.
    package init(_ text: String) throws {
        guard text.hasPrefix("v0.0."), let number = decimal(text.dropFirst(5)),
            APIVersion.spoken.contains(APIVersion(rawValue: number))
        else {
            throw SallyError(
                .misconfigured, "API version \(quoted(text)) is not spoken",
                hint: "one of \(APIVersion.spoken.map(\.description).joined(separator: ", "))")
        }
        rawValue = number
    }

    /// What the field tables cover, newest first: the order in which versions are tried. v0.0.43 to v0.0.45 are from Slurm's
    /// published sources.
    package static let spoken: [APIVersion] = [45, 44, 43, 42, 41, 40, 38].map(APIVersion.init(rawValue:))

    /// v0.0.36 to v0.0.38: sbatch's options as JSON. From v0.0.39 on: slurmctld's job description as JSON.
    package var takesOptions: Bool { rawValue <= 38 }
    /// v0.0.36 to v0.0.38 want `X-SLURM-USER-NAME` beside the token.
    package var namesUser: Bool { rawValue <= 38 }
    /// `DELETE /slurm/VERSION/jobs/` with a list, answered job by job (Slurm 23.11.6).
    package var cancelsLists: Bool { rawValue >= 40 }

    /// `GET /slurm/VERSION/jobs/state/` with the light RPC behind it (Slurm 24.05).
    package var listsStates: Bool { rawValue >= 41 }

    /// A moment in a query. 24.11.5 reads it in v0.0.40 and v0.0.41 as text alone, in which a number is no moment (9202; observed).
    package func moment(_ time: Timestamp) -> String {
        (40...41).contains(rawValue) ? "uts\(time.rawValue)" : "\(time.rawValue)"
    }

    /// `skip_steps` with jobs of accounting, without a change of anything else. v0.0.40 has it in 23.11; where a later Slurm serves
    /// v0.0.40, other flags have to be said with it, which 23.11 refuses.
    package var skipsSteps: Bool { rawValue != 40 }

    package var description: String { "v0.0.\(rawValue)" }
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
