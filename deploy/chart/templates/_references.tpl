{{- /*
Where references lead: a secret setting is one, and each ends at something that the pods have. The list of secret settings is that of
Firn's schema, which a test compares. They are judged here and not by the schema of the values, because Helm prints what that refuses.
*/ -}}

{{- define "firn.secretSettings" -}}
kafka.key
kafka.sasl.password
kafka.sasl.clientSecret
stage.secretAccessKey
warehouse.password
warehouse.privateKeyPassphrase
{{- end -}}

{{- define "firn.problems.secrets" -}}
{{- range $name := splitList "\n" (include "firn.secretSettings" .) -}}
{{- $at := $.Values.config -}}
{{- range $key := splitList "." $name -}}
{{- if kindIs "map" $at }}{{ $at = get $at $key }}{{ else }}{{ $at = "" }}{{ end -}}
{{- end -}}
{{- if and $at (not (regexMatch "^([$][{][A-Za-z_][A-Za-z0-9_]*[}]|file:/.+)$" (toString $at))) }}
config.{{ $name }} must be a reference, such as ${NAME} (see secrets.env) or file:/secrets/SECRET/KEY (see secrets.files); the value is not shown here
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* ${NAME}, where each pod has it: all of them read the same config, so owner.env and operator.env alone are not enough. */ -}}
{{- define "firn.problems.variables" -}}
{{- $v := .Values -}}
{{- $known := keys $v.secrets.env -}}
{{- range $v.extraEnv }}{{ $known = append $known .name }}{{ end -}}
{{- if not $v.extraEnvFrom -}}
{{- range regexFindAll "[$][{][A-Za-z_][A-Za-z0-9_]*[}]" (toRawJson $v.config | replace "$${" "") -1 | uniq -}}
{{- $name := . | trimPrefix "${" | trimSuffix "}" -}}
{{- if not (has $name $known) }}
config refers to {{ . }}, which no pod has: name its Secret in secrets.env, such as {{ $name }}: { name: SECRET, key: KEY }
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $list, $env := dict "secrets.env" $v.secrets.env "owner.env" $v.owner.env "operator.env" $v.operator.env -}}
{{- range $name, $from := $env -}}
{{- if not (or $from.name (hasKey $v.secrets.create $from.key)) }}
{{ $list }}.{{ $name }} has no name of a Secret, and secrets.create has no {{ $from.key }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "firn.problems.files" -}}
{{- $v := .Values -}}
{{- $mounts := "secrets.files" -}}
{{- range regexFindAll "\"(file:)?/secrets/[^\"]*\"" (toRawJson (list $v.config $v.extraEnv)) -1 | uniq -}}
{{- include "firn.unmounted" (dict "root" $ "what" "config" "path" (trimAll "\"" .) "files" $v.secrets.files "lists" $mounts) -}}
{{- end -}}
{{- range $who, $login := dict "owner" $v.owner "operator" $v.operator -}}
{{- if hasPrefix "/secrets/" $login.privateKeyFile -}}
{{- $files := concat $v.secrets.files $login.files -}}
{{- $what := printf "%s.privateKeyFile" $who -}}
{{- include "firn.unmounted" (dict "root" $ "what" $what "path" $login.privateKeyFile "files" $files "lists" (printf "%s or %s.files" $mounts $who)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* A line where nothing is mounted at `path`: neither from `files`, which `lists` names, nor by extraVolumeMounts. */ -}}
{{- define "firn.unmounted" -}}
{{- $path := trimPrefix "file:" .path -}}
{{- $parts := splitList "/" (trimPrefix "/secrets/" $path) -}}
{{- $secret := first $parts -}}
{{- $key := rest $parts | join "/" -}}
{{- $isMounted := false -}}
{{- range .root.Values.extraVolumeMounts -}}
{{- $at := trimSuffix "/" .mountPath -}}
{{- if or (eq $path $at) (hasPrefix (printf "%s/" $at) $path) }}{{ $isMounted = true }}{{ end -}}
{{- end -}}
{{- if $isMounted -}}
{{- else if eq $secret "created" -}}
{{- if not (hasKey .root.Values.secrets.create $key) }}
{{ .what }} refers to {{ $path }}, and secrets.create has no {{ $key }}
{{- end -}}
{{- else if not (has $secret .files) }}
{{ .what }} refers to {{ $path }}, and the Secret {{ $secret }} is not in {{ .lists }}, so nothing is mounted there
{{- else if not $key }}
{{ .what }} refers to {{ $path }}: a path ends in a key of the Secret, as in {{ $path | trimSuffix "/" }}/KEY
{{- end -}}
{{- end -}}
