// SPDX-License-Identifier: Apache-2.0

/// Associates users with Slurm accounts: a few calls of sacctmgr(1), whatever the number of users.
enum AssociationScript {
    /// A list of names for sacctmgr and scontrol; empty where it is so long that reading all is better.
    static let names = #"""
        slurm_names() { [ "$(wc -l <<<"$1")" -gt 300 ] || paste -sd, <<<"$1"; }

        """#

    static let library =
        names + #"""
            # Users are resolvable here by now; an association made earlier would have no uid for up to an hour
            # (slurmctld, assoc_mgr_set_missing_uids).
            associate_users() {
                local rows cluster list said user value name uid accounts account key wanted=
                local -A level=() has=() todo=() known=()
                rows=$(cat)
                cluster=$(slurm_cluster) || { printf '%s\n' "$cluster"; exit 1; }
                list=$(slurm_names "$(cut -f1 <<<"$rows")")
                said=$(sacctmgr -nP show user ${list:+where name="$list"} format=user,adminlevel) ||
                    fail association "slurmdbd does not answer"
                while IFS='|' read -r user value; do level[${user:--}]=$value; done <<<"$said"
                said=$(sacctmgr -nP show assoc where cluster="$cluster" ${list:+user="$list"} format=user,account) ||
                    fail association "slurmdbd does not answer"
                while IFS='|' read -r user value; do has[$user/$value]=1; done <<<"$said"
                while IFS=$'\t' read -r name uid accounts; do
                    [ -z "${spoiled[$name]-}" ] || continue
                    case ${level[$name]-} in
                    '' | None) ;;
                    *) spoil "$name" association "$name has AdminLevel ${level[$name]} in Slurm" ; continue ;;
                    esac
                    for account in ${accounts//,/ }; do
                        [ -n "${has[$name/$account]-}" ] || todo[$account/${accounts%%,*}]+=$name$'\n'
                    done
                done <<<"$rows"
                # The default account first: sacctmgr wants its association before it takes it as the default.
                for key in "${!todo[@]}"; do [ "${key%/*}" != "${key#*/}" ] || add_users "${key%/*}" "${key#*/}" "${todo[$key]}"; done
                for key in "${!todo[@]}"; do [ "${key%/*}" = "${key#*/}" ] || add_users "${key%/*}" "${key#*/}" "${todo[$key]}"; done
                await_uids
                while IFS=$'\t' read -r name uid accounts; do
                    [ -n "${spoiled[$name]-}" ] || report association done "$name in ${accounts//,/ }" "$name"
                done <<<"$rows"
            }
            # add_users ACCOUNT DEFAULT NAMES: 200 to a call.
            add_users() {
                local account=$1 default=$2 chunk said name
                if [ -z "$(sacctmgr -nP show assoc where account="$account" cluster="$cluster" user= format=account)" ]; then
                    said=$(sacctmgr -i add account "$account" cluster="$cluster" description=Sallyport organization=sallyport 2>&1) ||
                        fail association "$said"
                fi
                while IFS= read -r chunk; do
                    said=$(sacctmgr -i add user "$chunk" account="$account" cluster="$cluster" defaultaccount="$default" 2>&1) && continue
                    for name in ${chunk//,/ }; do [ -n "${spoiled[$name]-}" ] || spoil "$name" association "$said"; done
                done < <(printf '%s' "$3" | xargs -r -n 200 | tr ' ' ,)
            }
            # slurmctld has the users' uids with their associations.
            await_uids() {
                local end=$((SECONDS + 10)) want have name
                want=$(while IFS=$'\t' read -r name uid _; do
                    [ "$uid" = - ] || [ -n "${spoiled[$name]-}" ] || printf 'UserName=%s(%s)\n' "$name" "$uid"
                done <<<"$rows" | sort)
                while [ -n "$want" ]; do
                    have=$(scontrol show assoc_mgr ${list:+users="$list"} flags=assoc 2>/dev/null | grep -oE 'UserName=[^ ]+' | sort -u)
                    want=$(comm -23 <(printf '%s\n' "$want") <(printf '%s\n' "$have"))
                    [ -n "$want" ] && [ "$SECONDS" -lt "$end" ] || break
                    sleep 0.05
                done
                for name in $want; do
                    name=${name#*=}
                    name=${name%(*}
                    spoil "$name" association \
                        "slurmctld knows no uid for the association of $name: it looks again within the hour, or when restarted"
                done
            }

            """#
}
