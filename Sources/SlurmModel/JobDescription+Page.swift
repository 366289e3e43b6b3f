// SPDX-License-Identifier: Apache-2.0

extension JobDescription {
    /// docs/fields.md: the table as people read it. `make docs` writes it, and a test compares.
    package static var page: String {
        var text = introduction
        let groups: [(String, [DescriptionField])] = [
            ("Who, and how soon", identityFields), ("Where", placementFields), ("How much", resourceFields),
            ("How long, when, how often", timeFields), ("What runs", runningFields),
            ("Binding and measuring", deviceFields), ("About the submitting machine", localFields),
        ]
        for (title, fields) in groups {
            text += "\n## \(title)\n\n"
            text += "| field | v0.0.36–38 | v0.0.40–45 | policy | counts | update | |\n|---|---|---|---|---|---|---|\n"
            for field in fields { text += row(field) }
        }
        text += "\n## Reasons of refusals\n\n| reason | what to do |\n|---|---|\n"
        for reason in RefusedField.allCases { text += "| \(reason.reason) | \(reason.hint) |\n" }
        return text
    }

    private static func row(_ field: DescriptionField) -> String {
        let policy =
            switch field.policy {
            case .refused(let reason): "refused: \(reason.reason)"
            case .allowed, .judged, .normalised, .stripped: field.policy.name
            }
        let cells = [
            "`\(field.key)`", names(field, 36...38), names(field, 40...45), policy, field.effect.rawValue,
            field.part == nil ? "" : field.update.rawValue, field.remark,
        ]
        return "| " + cells.map { $0.replacingVerticalBars }.joined(separator: " | ") + " |\n"
    }

    private static func names(_ field: DescriptionField, _ family: ClosedRange<Int>) -> String {
        field.spellings.filter { family.overlaps($0.versions) }.map { spelling in
            let range = spelling.versions.clamped(to: family)
            var text = "`\(spelling.name)`"
            switch spelling.role {
            case .canonical: if field.part != nil { text += " \(spelling.form.name)" }
            case .alias: text += " (read)"
            case .disabled: text += " (slurmrestd refuses it)"
            case .removed: text += " (slurmrestd ignores it)"
            }
            if range != family {
                text += range.count == 1 ? ", \(range.lowerBound)" : ", \(range.lowerBound)–\(range.upperBound)"
            }
            // Nothing of it was tried on a daemon.
            if range.lowerBound > NounField.lastTried { text += "\u{2020}" }
            return text
        }.joined(separator: "; ")
    }

    private static let introduction = """
        # Fields of a job

        Generated from the table in Sources/SlurmModel (`make docs`). Each row is a field of a job description as slurmrestd takes
        it: what the API versions call it and how they encode it, and what the gateway does with it.

        The first column is the field's name in the gateway's own API (`POST /v1/clusters/NAME/jobs`), which is sbatch's long option
        with `_` for `-`; where sbatch has none, Slurm's own name. The others are read from bodies in Slurm's shape: those of v0.0.40
        to v0.0.44 from clients of slurmrestd's (`POST /slurm/v0.0.NN/job/submit` and `POST /slurm/v0.0.NN/job/ID`, docs/api.md), those
        that are spoken (below) are what is sent. Nothing passes through: a body is read into one request, judged, and written anew in the
        version that the cluster's slurmrestd speaks.

        | policy | means |
        |---|---|
        | allowed | taken over once its form is right |
        | judged | rules or quotas decide over it |
        | normalised | read into another field, and judged there |
        | stripped | read and left out: it means nothing for a job of the gateway's |
        | refused | refused by name, unless it says nothing (below) |

        *Counts* is what of the job's upper bounds the field moves. *Update* is whether `POST /slurm/v0.0.NN/job/ID` may change it.
        The names of v0.0.36 to v0.0.38 were read from Slurm 22.05.8, those of v0.0.40 to v0.0.42 from 24.11.5, and tests compare them.
        v0.0.43 to v0.0.45 are from Slurm's published sources and were not tried on a daemon: what begins there is marked †. Spoken are v0.0.38
        and v0.0.40 to v0.0.45: v0.0.36 and v0.0.37 stand here because 22.05 has them as well, and v0.0.39 changed within a release.

        ## How values are read

        slurmrestd coerces much; bodies in its shape are read as its clients mean them, and refused where nobody can tell. `/v1`, with its own
        names, is strict:

        | value | in a body in Slurm's shape | in `/v1` |
        |---|---|---|
        | `null`, `""`, `[]`, `{}`, `{"set": false}`, Slurm's NO_VAL (4294967294, for short numbers 65534) | not said, also of refused fields; `false` of a refused flag too | refused: what is not said is left out. `arguments` `[]` and `environment` `{}` say nothing |
        | `5`, `5.0`, `"5"`, `{"set": true, "number": 5}` | 5, in every version, for plain numbers and number structures alike | `5`; `"5"` too where sbatch has a notation, as of `time`, `nodes` and `mem`, not where it has a number, as of `ntasks` and `nice`; the others are refused |
        | `{"number": 5}` without `set` | 5. slurmrestd reads it as not said, which for a time limit is no limit | refused |
        | `{"set": true}` without a number | refused | refused |
        | `{"infinite": true}` whatever else stands there, `"infinite"`, `"infinity"`, `"unlimited"`, 4294967295 | no limit, where the field can have none; else refused | `"infinite"` and `"unlimited"` of `time` and `time_min`; else refused |
        | NaN, Infinity without quotes | no JSON: refused | no JSON: refused |
        | a number with a fraction, below 0, or too large for Slurm's own | refused; Slurm would cut it | refused |
        | `time_limit` and `time_minimum` 0 | refused from v0.0.40 on; in sbatch's notation (`--time`, v0.0.36 to v0.0.38) no limit | `time` and `time_min` 0: no limit, as in sbatch's notation |
        | `true`, `"true"`, `"yes"`, 1 and their opposites | a flag | `true` and `false` alone |
        | a number where a text is expected | its digits | its digits |
        | a text where a list is expected | a list with commas | lists are texts with commas (`"gpu,debug"`), but for `arguments` |
        | a key twice in one object | refused; Slurm takes the last | refused |
        | a field of another API version | refused, with the versions that have it | refused: the names are those of the first column |
        | an unknown field | refused; slurmrestd from v0.0.40 on ignores it with a warning | refused |
        | two spellings of one thing (`nodes` and `minimum_nodes`, `hold` and `priority`) | refused unless they say the same | `gres` and `gpus_per_node`: refused unless they say the same |
        | `environment` | a list of `NAME=VALUE` or an object, in every version; a name twice is refused | an object of texts |
        | `script` beside the job and in it | refused unless it is the same | there is one place for it |
        | `jobs` with one job | that job; more are a heterogeneous job and refused | refused |
        | `job` and `jobs` | refused | refused |

        ## Updates

        An update says only what changes. `""` takes away a comment, constraint, dependency or reservation. Updates of one job are done one
        after the other, those of an array's tasks and of the array as well, whichever gateway of one database they come through: each
        is judged on what Slurm reports of the job at that moment. Where Slurm's answer to one was lost (504), others are refused (409)
        until that one can reach Slurm no more: half a minute, and what slurmctld's clock is behind the gateway's, or five minutes where
        slurmctld does not tell its clock. A gateway that dies in the middle keeps others away for two minutes more.

        Policy has to allow the job as it would be afterwards, as if it were submitted so:

        | of | is judged |
        |---|---|
        | QOS | the one that the job has. It counts as not named only where accounting tells that it is the default of the person's association in that account. Moved to another account or partition, the job is judged both ways |
        | nodes | one end said alone leaves the other as it is; where none was ever said, a node for each task, GPU and named node. Tasks are raised to the minimum, as Slurm does |
        | tasks that come with GPUs | Slurm up to 23.02 (v0.0.36 to v0.0.38) does not report `ntasks_per_gpu`: so many as the job has for each of its GPUs, for each GPU that it may get. A change after which it would look as if there were fewer is refused (more GPUs, GPUs for a job without, fewer tasks). Later versions report it, and no update of such a job is offered |
        | CPUs and memory that GPUs bring | what Slurm gives by default for each GPU counts beside what the job has, in whatever partition it would be; memory unless Slurm says that it was asked for |
        | CPUs that Slurm adds | whole cores, and CPUs for more memory than each may have, as of a job that is submitted |
        | memory | `memory_per_node` and `memory_per_cpu` take each other's place, `memory_per_tres` does not: the larger of all that the job then has |
        | GPUs | what is said takes the place of what the same field had. Where slurmrestd speaks v0.0.40 or older a change that leaves a type out is refused: Slurm 22.05 and 23.02 would add the new type to the old |
        | everything | at least the nodes, CPUs, memory and GPUs that Slurm reports (GPUs: unless they are replaced), before anything is multiplied by them |
        | more than one thing at once | also the larger of old and new of each: Slurm changes one after the other, and what it has changed stays when it refuses the next |

        """
}

extension String {
    /// A cell of a table cannot hold them.
    fileprivate var replacingVerticalBars: String {
        split(separator: "|", omittingEmptySubsequences: false).joined(separator: "/")
    }
}
