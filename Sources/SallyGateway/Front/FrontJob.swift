// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import SallyModel
import SlurmModel

/// A job as slurmrestd's clients name it: `123`, `123_4` for a task, `123+1` for a component.
struct FrontJob: Sendable, Hashable {
    let target: JobTarget

    /// - Throws: `.invalidRequest`, with Slurm's number for it.
    init(_ text: String) throws {
        do {
            target = try JobTarget(text)
        } catch let error as SallyError {
            throw error.saying(.invalidJob, for: .invalidRequest)
        }
    }

    var job: JobID { target.job }

    var task: Int? { if case .task(let index) = target.part { index } else { nil } }

    var component: Int? { if case .component(let index) = target.part { index } else { nil } }
}

extension GatewayContext {
    /// What is looked up by name; it is only compared.
    var frontName: String { parameters.get("name") ?? "" }

    func frontJob() throws -> FrontJob { try FrontJob(parameters.get("job") ?? "") }

    /// - Throws: `.unsupported` for a component, which is found where the whole is.
    func frontJobWithoutComponent() throws -> FrontJob {
        let job = try frontJob()
        guard job.component == nil else {
            throw SallyError(
                .unsupported, "a component of a heterogeneous job is not named here", hint: "name \(job.job)")
        }
        return job
    }
}
