# SPDX-License-Identifier: Apache-2.0
#
# jq -r --arg v v0.0.42 -f slurmrestd-properties.jq openapi.json
#
# What slurmrestd's own description says of the nouns that Sallyport knows: `noun path kind` by line, `!` behind what is
# always there. Names and kinds alone, for Tests/SlurmModelTests/Fixtures/slurmrestd/properties.

. as $document
| def resolved:
    if type == "object" and has("$ref") then
        (.["$ref"] | sub("^#/components/schemas/"; "")) as $name | $document.components.schemas[$name] | resolved
    else . end;
  # $required: paths that the objects around promise, relative to this one. 24.11 writes "error/code" for a path.
  def kinds($path; $required):
    resolved
    | (if any($required[]; . == [""]) then "!" else "" end) as $always
    | if .type == "array" then
        (.items | resolved) as $items
        | if $items.type == "object" then $items | kinds($path + "[]"; [])
          elif $items.type == "string" then "\($path) words\($always)"
          else "\($path) list\($always)" end
      elif .type == "object" or has("properties") then
        (.properties // {}) as $properties
        | ($properties | keys) as $names
        | if $names == ["infinite", "number", "set"] then
            "\($path) \(if ($properties.number | resolved | .type) == "number" then "realNumber" else "number" end)\($always)"
          elif $names == ["return_code", "signal", "status"] then "\($path) exit\($always)"
          elif $names == [] then "\($path) object\($always)"
          else
            ((.required // []) | map(split("/"))) + [$required[] | select(length > 1) | .[1:]]
            | . as $promised
            | $properties | to_entries[]
            | .key as $key
            | [$promised[] | select(.[0] == $key) | if length == 1 then [""] else . end] as $inner
            | .value | kinds(if $path == "" then $key else $path + "." + $key end; $inner)
          end
      else "\($path) \({"string": "text", "integer": "integer", "boolean": "flag", "number": "real"}[.type] // "any")\($always)"
      end;
  def answer($path; $method):
    $document.paths
    | (.[$path] // .[$path + "/"] // .[$path | sub("/$"; "")])
    | if . == null then empty else .[$method].responses["200"].content["application/json"].schema | resolved end;
  def listed($noun; $path; $method; $key):
    answer($path; $method) as $answer
    | ($answer.properties | to_entries[] | select(.key | IN($key, "meta", "errors", "warnings") | not)
        | .key as $name
        | "\($noun).answer " + (.value | kinds($name; if ($answer.required // []) | index($name) then [[""]] else [] end))),
      ($answer.properties[$key] // empty | resolved | if .type == "array" then .items else . end
        | kinds(""; []) | "\($noun) " + .);

  listed("job"; "/slurm/\($v)/jobs/"; "get"; "jobs"),
  listed("node"; "/slurm/\($v)/nodes/"; "get"; "nodes"),
  listed("partition"; "/slurm/\($v)/partitions/"; "get"; "partitions"),
  listed("reservation"; "/slurm/\($v)/reservations/"; "get"; "reservations"),
  listed("ping"; "/slurm/\($v)/ping/"; "get"; "pings"),
  listed("diagnosis"; "/slurm/\($v)/diag/"; "get"; "statistics"),
  listed("cancellation"; "/slurm/\($v)/jobs/"; "delete"; "status"),
  listed("updateResult"; "/slurm/\($v)/job/{job_id}"; "post"; "results"),
  listed("qos"; "/slurmdb/\($v)/qos/"; "get"; "qos"),
  listed("account"; "/slurmdb/\($v)/accounts/"; "get"; "accounts"),
  listed("association"; "/slurmdb/\($v)/associations/"; "get"; "associations"),
  listed("user"; "/slurmdb/\($v)/users/"; "get"; "users"),
  listed("accountingJob"; "/slurmdb/\($v)/jobs/"; "get"; "jobs"),
  (answer("/slurm/\($v)/job/submit"; "post") | del(.properties["meta", "errors", "warnings"]) | kinds(""; []) | "submission " + .),
  (answer("/slurm/\($v)/jobs/"; "get").properties
    | (.meta | kinds(""; []) | "meta " + .),
      (.errors | resolved | .items | kinds(""; []) | "error " + .),
      (.warnings | resolved | .items | kinds(""; []) | "warning " + .))
