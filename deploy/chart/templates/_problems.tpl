{{- /*
What else must hold of values before anything is installed, a line for each that does not. What Firn alone can judge is left to Firn.
*/ -}}

{{- define "firn.problems.required" -}}
{{- $config := .Values.config -}}
{{- if not ($config.kafka).brokers }}
config.kafka.brokers is needed, such as [broker-1:9093]
{{- end -}}
{{- if not ($config.stage).bucket }}
config.stage.bucket is needed, the bucket of the stage
{{- end -}}
{{- if not $config.tables }}
config.tables is needed, such as [{ topic: shop.customers, table: SHOP.CUSTOMERS, key: [id] }]
{{- end -}}
{{- with $config.warehouse -}}
{{- if not .account }}
config.warehouse.account is needed, such as xy12345.eu-west-1
{{- end -}}
{{- if not .user }}
config.warehouse.user is needed, the user in Snowflake
{{- end -}}
{{- else -}}
{{- range $what, $is := dict "audit.enabled" $.Values.audit.enabled "migrations.enabled" $.Values.migrations.enabled "backfills" $.Values.backfills -}}
{{- if $is }}
config.warehouse is needed for {{ $what }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "firn.problems.names" -}}
{{- if regexMatch "@|:[^/]*$" .Values.image.repository }}
image.repository is {{ .Values.image.repository }}: write the tag as image.tag, or the digest as image.digest
{{- end -}}
{{- $account := (.Values.config.warehouse).account | default "" -}}
{{- if regexMatch "://|/|[.]snowflakecomputing[.]" $account }}
config.warehouse.account is the account alone, such as xy12345.eu-west-1: no https://, no .snowflakecomputing.com
{{- end -}}
{{- $tables := dict -}}
{{- range .Values.config.tables -}}
{{- if hasKey $tables .table }}
config.tables has {{ .table }} twice, from {{ get $tables .table }} and from {{ .topic }}: a table has one topic, and one entry
{{- end -}}
{{- $_ := set $tables .table .topic -}}
{{- end -}}
{{- end -}}

{{- define "firn.isTls" -}}
{{- with .Values.config.kafka }}{{ if or .ssl .ca .cert }}true{{ end }}{{ end -}}
{{- end -}}

{{- define "firn.problems.kafka" -}}
{{- $kafka := .Values.config.kafka | default dict -}}
{{- $isRefused := and (kindIs "bool" $kafka.ssl) (not $kafka.ssl) -}}
{{- range $name := list "ca" "cert" -}}
{{- with get $kafka $name -}}
{{- if hasPrefix "/" . }}
config.kafka.{{ $name }} is a certificate, or a reference to one: write file:{{ . }}
{{- end -}}
{{- if $isRefused }}
config.kafka.{{ $name }} is of no use with config.kafka.ssl: false; leave out one of them
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $kafka.sasl -}}
{{- if and (eq .mechanism "aws-msk-iam") (not (include "firn.isTls" $)) }}
config.kafka.sasl.mechanism aws-msk-iam needs config.kafka.ssl: true
{{- else if not (or (include "firn.isTls" $) $isRefused) }}
config.kafka.sasl would log in without TLS: write config.kafka.ssl: true or config.kafka.ca, or ssl: false where plain text is meant
{{- end -}}
{{- if hasPrefix "file:" (.tokenFile | default "") }}
config.kafka.sasl.tokenFile is a path and no reference: write {{ .tokenFile | trimPrefix "file:" }}
{{- end -}}
{{- end -}}
{{- $key := (.Values.config.warehouse).privateKeyFile | default "" -}}
{{- if hasPrefix "file:" $key }}
config.warehouse.privateKeyFile is a path and no reference: write {{ $key | trimPrefix "file:" }}
{{- end -}}
{{- end -}}

{{- define "firn.problems.memory" -}}
{{- range $name := list "resources" "jobResources" -}}
{{- $of := get $.Values $name -}}
{{- $request := ($of.requests).memory -}}
{{- $limit := ($of.limits).memory -}}
{{- if and $request $limit -}}
{{- if gt (include "firn.mebibytes" $request | int64) (include "firn.mebibytes" $limit | int64) }}
{{ $name }}.requests.memory, {{ $request }}, is above {{ $name }}.limits.memory, {{ $limit }}: set both together
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ingest := .Values.config.ingest | default dict -}}
{{- $memory := include "firn.settingMebibytes" ($ingest.memory | default "") -}}
{{- $file := include "firn.settingMebibytes" ($ingest.fileBytes | default "64MiB") -}}
{{- if and $memory $file -}}
{{- if lt (int64 $memory) (int64 $file) }}
config.ingest.memory, {{ $ingest.memory }}, is less than one file, config.ingest.fileBytes, {{ $ingest.fileBytes | default "64MiB" }}
{{- end -}}
{{- end -}}
{{- $budget := include "firn.budget" .Values.resources -}}
{{- range $name := list "resources" "jobResources" -}}
{{- $budget := include "firn.budget" (get $.Values $name) -}}
{{- $isUsed := ternary (not $ingest.memory) $.Values.backfills (eq $name "resources") -}}
{{- if and $isUsed $budget $file -}}
{{- if lt (int64 $budget) (int64 $file) }}
{{ $name }}.limits.memory, {{ (get $.Values $name).limits.memory }}, leaves a budget of {{ $budget }} MiB, less than a file of {{ $file }} MiB: raise the limit, or lower config.ingest.fileBytes
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $memory $budget -}}
{{- if gt (int64 $memory) (int64 $budget) }}
config.ingest.memory, {{ $ingest.memory }}, is more than the {{ $budget }} MiB that resources.limits.memory, {{ .Values.resources.limits.memory }}, leaves: half of what is beyond 256 MiB; set both together, or leave out the first
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "firn.problems.backfills" -}}
{{- $names := list -}}
{{- range .Values.backfills -}}
{{- $name := .name -}}
{{- if has $name $names }}
backfills has two of the name {{ $name }}: a name is one run
{{- end -}}
{{- $names = append $names $name -}}
{{- range .args -}}
{{- $option := regexFind "^--(name|yes|plan|dry-run|config)(=|$)" . | trimSuffix "=" -}}
{{- if $option }}
backfills: {{ $option }} does not go into args of {{ $name }}: the chart says --name, --yes and where the configuration is, and a plan is looked at first, by hand
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
