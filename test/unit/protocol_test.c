/*
 * protocol_test.c
 *		Requests by each protocol, answers in XML, and what is refused. t/014_aws_call.pl compares every action with botocore;
 *		here is what that can't show.
 */
#include "aws/json_valid.h"
#include "aws/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <json-c/json.h>

static void fill(EtlAwsValue *value, json_object *given);

static void
fill_member(EtlAwsValue *value, const char *name, json_object *given)
{
	EtlAwsValue *child = &value->items[value->count++];

	child->name = name != NULL ? pstrdup(name) : NULL;
	fill(child, given);
}

static void
fill(EtlAwsValue *value, json_object *given)
{
	switch (json_object_get_type(given))
	{
		case json_type_null:
			value->kind = AWS_VALUE_NULL;
			break;
		case json_type_object:
			value->kind = AWS_VALUE_OBJECT;
			value->items = palloc0((json_object_object_length(given) + 1) * sizeof(EtlAwsValue));
			json_object_object_foreach(given, name, item) fill_member(value, name, item);
			break;
		case json_type_array:
			value->kind = AWS_VALUE_ARRAY;
			value->items = palloc0((json_object_array_length(given) + 1) * sizeof(EtlAwsValue));
			for (size_t i = 0; i < json_object_array_length(given); i++)
				fill_member(value, NULL, json_object_array_get_idx(given, i));
			break;
		default:
			value->kind = json_object_is_type(given, json_type_string) ? AWS_VALUE_STRING : AWS_VALUE_SCALAR;
			value->text = pstrdup(json_object_get_string(given));
	}
}

static EtlAwsValue
value_of(const char *json)
{
	json_object *object = json_tokener_parse(json);
	EtlAwsValue value = {0};

	fill(&value, object);
	json_object_put(object);
	return value;
}

static bool
write_message(const char *service, const char *action, const char *json, EtlAwsMessage *message,
			  EtlError *error)
{
	EtlAwsValue value = value_of(json);

	return protocol_write(service_find(service), action, &value, message, error);
}

static void
expect_body(const char *service, const char *action, const char *json, const char *body)
{
	EtlAwsMessage message;
	EtlError error;

	if (!write_message(service, action, json, &message, &error))
		fail_msg("%s: %s", error.message, error.detail);
	assert_string_equal(message.body, body);
}

static void
expect_refusal(const char *service, const char *action, const char *json, int sqlstate)
{
	EtlAwsMessage message;
	EtlError error;

	if (write_message(service, action, json, &message, &error))
		fail_msg("%s %s %s was taken", service, action, json);
	assert_int_equal(error.sqlstate, sqlstate);
	assert_string_not_equal(error.detail, "");
}

static void
test_services(void **state)
{
	assert_string_equal(service_find("states")->name, "states");
	assert_string_equal(service_find("StepFunctions")->name, "states");
	assert_string_equal(service_find("sfn")->name, "states");
	assert_string_equal(service_find("redshiftdata")->name, "redshift-data");
	assert_string_equal(service_find("elasticmapreduce")->name, "emr");
	assert_string_equal(service_find("cloudwatchlogs")->name, "logs");
	assert_string_equal(service_find("databasemigrationservice")->name, "dms");
	assert_null(service_find("s3"));
	assert_null(service_find(""));
	assert_null(service_find("-"));
	assert_null(service_find("sfn stepfunctions"));
	assert_string_equal(service_permission(service_find("lambda"), "Invoke"), "lambda:InvokeFunction");
	assert_string_equal(service_permission(service_find("states"), "StartExecution"),
						"states:StartExecution");
	assert_string_equal(service_permission(service_find("emr"), "ListClusters"),
						"elasticmapreduce:ListClusters");
	assert_string_equal(service_permission(service_find("cloudwatch"), "PutMetricData"),
						"cloudwatch:PutMetricData");
	assert_string_equal(service_token("ec2", "RunInstances"), "ClientToken");
	assert_string_equal(service_token("athena", "StartQueryExecution"), "ClientRequestToken");
	assert_null(service_token("ec2", "RunInst"));
}

static void
expect_sorted(const EtlAwsName *names, int count)
{
	for (int i = 1; i < count; i++)
		if (strcmp(names[i - 1].path, names[i].path) >= 0)
			fail_msg("\"%s\" comes before \"%s\"", names[i - 1].path, names[i].path);
	for (int i = 0; i < count; i++)
		assert_ptr_equal(names_find(names, count, psprintf("Action.%s", names[i].path)), &names[i]);
}

static void
test_tables(void **state)
{
	const EtlAwsNames *tables[] = {&ec2_names, &iam_names, &redshift_names, &sns_names};

	for (int i = 0; i < lengthof(tables); i++)
	{
		expect_sorted(tables[i]->requests, tables[i]->nrequests);
		expect_sorted(tables[i]->answers, tables[i]->nanswers);
	}
	assert_null(names_find(iam_names.requests, iam_names.nrequests, "X.Propertie"));
}

static void
test_requests(void **state)
{
	EtlAwsMessage message;
	EtlError error;

	expect_body("dynamodb", "PutItem",
				"{\"Item\":{\"a\":{\"N\":\"1.50\"}},\"n\":null,\"t\":[true,\"\\u0001\\\"\\\\\"]}",
				"{\"Item\":{\"a\":{\"N\":\"1.50\"}},\"n\":null,\"t\":[true,\"\\u0001\\\"\\\\\"]}");
	expect_body("iam", "TagRole",
				"{\"RoleName\":\"r\",\"Tags\":[{\"Key\":\"a\",\"Value\":\"b c\"}],\"None\":null}",
				"Action=TagRole&RoleName=r&Tags.member.1.Key=a&Tags.member.1.Value=b%20c&Version=2010-05-08");
	expect_body("sns", "SetEndpointAttributes", "{\"Attributes\":{\"x\":\"1\"}}",
				"Action=SetEndpointAttributes&Attributes.entry.1.key=x&Attributes.entry.1.value=1&Version="
				"2010-03-31");
	expect_body("redshift", "CreateTags", "{\"Tags\":[{\"Key\":\"a\"}],\"ResourceName\":\"r\"}",
				"Action=CreateTags&ResourceName=r&Tags.Tag.1.Key=a&Version=2012-12-01");
	expect_body("iam", "TagRole", "{\"Tags\":[]}", "Action=TagRole&Tags=&Version=2010-05-08");
	expect_body("ec2", "DescribeInstances",
				"{\"InstanceIds\":[\"i-1\",\"i-2\"],\"Filters\":[{\"Name\":\"n\",\"Values\":[\"v\"]}]}",
				"Action=DescribeInstances&Filter.1.Name=n&Filter.1.Value.1=v&InstanceId.1=i-1&InstanceId.2=i-"
				"2&Version=2016-11-15");
	expect_body("lambda", "Invoke", "{\"FunctionName\":\"f\",\"Payload\":{\"a\":[1]}}", "{\"a\":[1]}");
	expect_body("lambda", "Invoke", "{\"FunctionName\":\"f\",\"Payload\":\"plain\"}", "plain");
	expect_body("lambda", "Invoke", "{\"FunctionName\":\"f\"}", "");

	assert_true(write_message("lambda", "Invoke",
							  "{\"FunctionName\":\"arn:aws:lambda:us-east-1:1:function:f\",\"Qualifier\":\"a/"
							  "b\",\"InvocationType\":\"Event\"}",
							  &message, &error));
	assert_string_equal(
		message.path, "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/invocations");
	assert_int_equal(message.nquery, 1);
	assert_string_equal(message.query[0].value, "a/b");
	assert_string_equal(message.headers[0].name, "X-Amz-Invocation-Type");
	assert_true(write_message("states", "ListStateMachines", "{}", &message, &error));
	assert_string_equal(message.headers[0].value, "application/x-amz-json-1.0");
	assert_string_equal(message.headers[1].value, "AWSStepFunctions.ListStateMachines");
}

static void
test_refusals(void **state)
{
	EtlAwsValue deep[AWS_VALUE_DEPTH + 2] = {0};
	EtlAwsMessage message;
	EtlError error;

	expect_refusal("iam", "ListRoles", "[]", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Invoke", "{}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Invoke", "{\"FunctionName\":\"..\"}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Invoke", "{\"FunctionName\":\"\"}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Invoke", "{\"FunctionName\":\"a\\nb\"}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Invoke", "{\"FunctionName\":[\"a\"]}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Invoke", "{\"FunctionName\":\"f\",\"Qualifier\":\"a\\r\\nb\"}",
				   ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Invoke", "{\"FunctionName\":\"f\",\"ClientContext\":\"a\\r\\nX-Amz-Y: b\"}",
				   ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Invoke", "{\"FunctionName\":\"f\",\"Other\":1}",
				   ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "GetFunction", "{\"FunctionName\":\"f\",\"Other\":1}",
				   ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("lambda", "Nothing", "{}", ERRCODE_UNDEFINED_OBJECT);
	expect_refusal("lambda", "InvokeWithResponseStream", "{}", ERRCODE_FEATURE_NOT_SUPPORTED);
	expect_refusal("sqs", "Send\nMessage", "{}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("sqs", "", "{}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("sqs", "sendMessage", "{}", ERRCODE_INVALID_PARAMETER_VALUE);
	/* a list where a map or a structure is, and the other way around */
	expect_refusal("sns", "SetEndpointAttributes", "{\"Attributes\":[1]}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("redshift", "CreateTags", "{\"Tags\":{\"Key\":\"a\"}}", ERRCODE_INVALID_PARAMETER_VALUE);
	expect_refusal("iam", "TagRole", "{\"Tags\":[[1]]}", ERRCODE_INVALID_PARAMETER_VALUE);

	for (int i = 0; i < lengthof(deep); i++)
		deep[i] = (EtlAwsValue){
			.kind = AWS_VALUE_OBJECT, .name = "a", .items = &deep[i + 1], .count = i + 1 < lengthof(deep)};
	assert_false(protocol_write(service_find("dynamodb"), "PutItem", deep, &message, &error));
	assert_int_equal(error.sqlstate, ERRCODE_PROGRAM_LIMIT_EXCEEDED);
	assert_true(protocol_write(service_find("dynamodb"), "PutItem", deep + 1, &message, &error));
}

static void
expect_json(const char *service, const char *action, const char *xml, const char *json)
{
	StringInfoData out;
	EtlError error;

	initStringInfo(&out);
	if (!protocol_xml_read(service_find(service), action, xml, strlen(xml), &out, &error))
		fail_msg("%s", error.detail);
	assert_string_equal(out.data, json);
	assert_true(aws_json_valid(out.data, out.len));
}

static void
test_answers(void **state)
{
	StringInfoData out;
	EtlError error;

	expect_json("sts", "GetCallerIdentity",
				"<GetCallerIdentityResponse xmlns=\"x\"><GetCallerIdentityResult "
				"a=\"b\"><Arn>a\"\\&#10;&lt;b</Arn><Account>012</Account>"
				"</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></"
				"GetCallerIdentityResponse>",
				"{\"Arn\":\"a\\\"\\\\\\u000a<b\",\"Account\":\"012\"}");
	expect_json("iam", "DeleteRole", "<DeleteRoleResponse><ResponseMetadata/></DeleteRoleResponse>", "{}");
	/* lists: of one, of none, and one that no table knows */
	expect_json("iam", "ListRoles",
				"<ListRolesResponse><ListRolesResult><Roles><member><RoleName>r</RoleName></member></Roles>"
				"<Later><member>1</member></Later></ListRolesResult></ListRolesResponse>",
				"{\"Roles\":[{\"RoleName\":\"r\"}],\"Later\":[\"1\"]}");
	expect_json("iam", "ListRoles",
				"<ListRolesResponse><ListRolesResult><Roles/><Marker/></ListRolesResult></ListRolesResponse>",
				"{\"Roles\":[],\"Marker\":\"\"}");
	expect_json("redshift", "DescribeClusters",
				"<DescribeClustersResponse><DescribeClustersResult><Clusters><Cluster><New>1</New><New>2</"
				"New></Cluster></Clusters>"
				"</DescribeClustersResult></DescribeClustersResponse>",
				"{\"Clusters\":[{\"New\":[\"1\",\"2\"]}]}");
	expect_json("sns", "GetTopicAttributes",
				"<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes><entry><key>k</"
				"key><value>v</value></entry><entry/>"
				"</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>",
				"{\"Attributes\":{\"k\":\"v\"}}");
	expect_json("ec2", "DescribeInstances",
				"<DescribeInstancesResponse><requestId>r</"
				"requestId><reservationSet><item><instancesSet><item><instanceId>i</instanceId>"
				"</item></instancesSet></item></reservationSet></DescribeInstancesResponse>",
				"{\"Reservations\":[{\"Instances\":[{\"InstanceId\":\"i\"}]}]}");
	initStringInfo(&out);
	assert_false(protocol_xml_read(service_find("sts"), "GetCallerIdentity", "<html/>", 7, &out, &error));
	assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
	assert_false(protocol_xml_read(service_find("sts"), "GetCallerIdentity", "{}", 2, &out, &error));

	assert_true(aws_json_valid("12", 2));
	assert_true(aws_json_valid(" {\"a\": [null]} ", 15));
	assert_false(aws_json_valid("", 0));
	assert_false(aws_json_valid("plain", 5));
	assert_false(aws_json_valid("{} {}", 5));
	assert_false(aws_json_valid("{\"a\"", 4));
	assert_false(aws_json_valid("1\0002", 3));
}

static void
expect_renamed(const char *service, const char *json, bool to_capital, const char *expected)
{
	EtlAwsValue value = value_of(json);
	StringInfoData out;

	protocol_rename(service_find(service), &value, to_capital);
	initStringInfo(&out);
	aws_value_write(&out, &value);
	assert_string_equal(out.data, expected);
}

static void
test_names_of_step_functions(void **state)
{
	expect_renamed(
		"batch",
		"{\"JobName\":\"j\",\"Parameters\":{\"Key\":\"v\"},\"ContainerOverrides\":{\"Command\":[{\"A\":1}]}}",
		false,
		"{\"jobName\":\"j\",\"parameters\":{\"Key\":\"v\"},\"containerOverrides\":{\"command\":[{\"a\":1}]}"
		"}");
	expect_renamed("batch", "{\"jobId\":\"j\",\"tags\":{\"key\":\"v\"},\"quotaShares\":[{\"a\":1}]}", true,
				   "{\"JobId\":\"j\",\"Tags\":{\"key\":\"v\"},\"QuotaShares\":[{\"A\":1}]}");
	expect_renamed("dynamodb", "{\"Item\":{\"a\":{}}}", false, "{\"Item\":{\"a\":{}}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services), cmocka_unit_test(test_tables),
		cmocka_unit_test(test_requests), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_answers),	 cmocka_unit_test(test_names_of_step_functions)};

	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
