{{- /*
What the schema of the values cannot say, or would say with a secret in its words: each refusal names the value and the remedy.
Included by "firn.config", and so by everything.
*/ -}}

{{- /* paths below config whose value is a secret: those that Firn's own schema marks, which a test compares */ -}}
{{- define "firn.secretSettings" -}}
kafka.key kafka.sasl.password kafka.sasl.clientSecret stage.secretAccessKey warehouse.password warehouse.privateKeyPassphrase
{{- end -}}

{{- define "firn.validate" -}}
{{- include "firn.validateSecrets" . -}}
{{- include "firn.validateReferences" . -}}
{{- include "firn.validateMemory" . -}}
{{- include "firn.validateConnections" . -}}
{{- include "firn.validateJobs" . -}}
{{- end -}}

{{- define "firn.validateSecrets" -}}
{{- range $path := splitList " " (include "firn.secretSettings" .) -}}
{{- $value := $.Values.config -}}
{{- range $key := splitList "." $path -}}
{{- if kindIs "map" $value }}{{ $value = index $value $key }}{{ else }}{{ $value = "" }}{{ end -}}
{{- end -}}
{{- if and (kindIs "string" $value) $value (not (regexMatch "^(\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}|file:/.+)$" $value)) -}}
{{- fail (printf "config.%s must be a reference, such as ${NAME} with an entry in secrets.env, or file:/secrets/NAME/KEY with one in secrets.files; what stands there is not shown here" $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What config refers to must be there for the ingester, unless it comes from where the chart cannot look. */ -}}
{{- define "firn.validateReferences" -}}
{{- $config := toYaml .Values.config -}}
{{- $names := keys .Values.secrets.env -}}
{{- range .Values.extraEnv }}{{ $names = append $names .name }}{{ end -}}
{{- range $found := regexFindAll "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" $config -1 -}}
{{- $name := $found | trimPrefix "${" | trimSuffix "}" -}}
{{- if not (or $.Values.extraEnvFrom (has $name $names)) -}}
{{- fail (printf "config refers to %s: add %s to secrets.env, as in { %s: { name: a-secret, key: password } }" $found $name $name) -}}
{{- end -}}
{{- end -}}
{{- include "firn.validatePaths" (dict "root" . "what" "config" "text" $config "files" .Values.secrets.files) -}}
{{- range $who := list "owner" "operator" -}}
{{- $login := index $.Values $who -}}
{{- $files := concat $.Values.secrets.files $login.files -}}
{{- include "firn.validatePaths" (dict "root" $ "what" (printf "%s.privateKeyFile" $who) "text" $login.privateKeyFile "files" $files) -}}
{{- end -}}
{{- range $name, $from := .Values.secrets.env -}}
{{- if not (or $from.name (hasKey $.Values.secrets.create $from.key)) -}}
{{- fail (printf "secrets.env.%s names no Secret, and secrets.create has no key %s" $name $from.key) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "firn.validatePaths" -}}
{{- $files := .files -}}
{{- if .root.Values.secrets.create }}{{ $files = append $files "created" }}{{ end -}}
{{- range $found := regexFindAll "/secrets/[^/\"'\\s]+/" .text -1 -}}
{{- $name := $found | trimPrefix "/secrets/" | trimSuffix "/" -}}
{{- if not (or $.root.Values.extraVolumeMounts (has $name $files)) -}}
{{- fail (printf "%s refers to %s: add %s, the name of a Secret, to secrets.files" $.what $found $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "firn.validateMemory" -}}
{{- range $which := list "resources" "jobResources" -}}
{{- $resources := index $.Values $which -}}
{{- $limit := ($resources.limits).memory -}}
{{- $request := ($resources.requests).memory -}}
{{- if and $limit $request -}}
{{- if gt (include "firn.mebibytes" $request | int64) (include "firn.mebibytes" $limit | int64) -}}
{{- fail (printf "%s.requests.memory is %v, more than %s.limits.memory, %v: set both" $which $request $which $limit) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ingest := .Values.config.ingest | default dict -}}
{{- with $ingest.memory -}}
{{- $memory := include "firn.settingMebibytes" . | int64 -}}
{{- $file := include "firn.settingMebibytes" ($ingest.fileBytes | default "128MiB") | int64 -}}
{{- if lt $memory $file -}}
{{- fail (printf "config.ingest.memory is %s, less than a file of %d MiB: raise it, or lower config.ingest.fileBytes" . $file) -}}
{{- end -}}
{{- with ($.Values.resources.limits).memory -}}
{{- $room := sub (include "firn.mebibytes" . | int64) 256 -}}
{{- if gt $memory (int64 $room) -}}
{{- fail (printf "config.ingest.memory is %d MiB, and resources.limits.memory, %v, leaves %d MiB beside what Node takes: raise the limit, or leave config.ingest.memory out" $memory . $room) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "firn.validateConnections" -}}
{{- $kafka := .Values.config.kafka | default dict -}}
{{- if and $kafka.sasl (not $kafka.ca) (not (hasKey $kafka "ssl")) -}}
{{- fail "config.kafka.sasl would send a login without TLS: set config.kafka.ca or ssl: true, or ssl: false where that is meant" -}}
{{- end -}}
{{- if and $kafka.ca (hasKey $kafka "ssl") (not $kafka.ssl) -}}
{{- fail "config.kafka.ca is set, and config.kafka.ssl is false: leave one of them out" -}}
{{- end -}}
{{- range $name := list "ca" "cert" -}}
{{- if hasPrefix "/" (toString (index $kafka $name | default "")) -}}
{{- fail (printf "config.kafka.%s is the certificate itself: write file: before the path" $name) -}}
{{- end -}}
{{- end -}}
{{- $warehouse := .Values.config.warehouse | default dict -}}
{{- if hasPrefix "file:" ($warehouse.privateKeyFile | default "") -}}
{{- fail "config.warehouse.privateKeyFile is a path, which is read at each login: leave file: out" -}}
{{- end -}}
{{- if regexMatch "://|snowflakecomputing\\." ($warehouse.account | default "") -}}
{{- fail "config.warehouse.account is the account alone, such as xy12345.eu-west-1" -}}
{{- end -}}
{{- $seen := list -}}
{{- range .Values.config.tables -}}
{{- $pair := printf "%v into %v" .topic .table -}}
{{- if has $pair $seen }}{{ fail (printf "config.tables has %s twice" $pair) }}{{ end -}}
{{- $seen = append $seen $pair -}}
{{- end -}}
{{- if regexMatch ":[^/]*$" .Values.image.repository -}}
{{- fail "image.repository has no tag: write that to image.tag" -}}
{{- end -}}
{{- $scaling := .Values.autoscaling -}}
{{- if $scaling.enabled -}}
{{- if gt (int64 $scaling.minReplicas) (int64 $scaling.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas is %v, more than autoscaling.maxReplicas, %v" $scaling.minReplicas $scaling.maxReplicas) -}}
{{- end -}}
{{- if and $kafka.sasl (not $scaling.authenticationRef) -}}
{{- fail "autoscaling.authenticationRef is needed where config.kafka.sasl is set: KEDA logs in by itself, with a TriggerAuthentication" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "firn.validateJobs" -}}
{{- $seen := list -}}
{{- range .Values.backfills -}}
{{- if has .name $seen }}{{ fail (printf "backfills has %s twice: a run is worked on by one Job" .name) }}{{ end -}}
{{- $seen = append $seen .name -}}
{{- range $arg := .args -}}
{{- if regexMatch "^--(name|yes|json|config|plan|dry-run)(=|$)" $arg -}}
{{- fail (printf "%s in the args of a backfill: the Job has its own --name, --yes, --json and --config, and shows no plan" $arg) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
