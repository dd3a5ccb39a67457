//! What the types of a handler say about its row.
//!
//! Inputs name the least guard they need and describe parameters and body; outputs describe the
//! answer. Both are JSON Schema by way of schemars, whose derive also serves the forms.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::row::Needs;

/// One operation of the API document while it is being described.
pub struct Operation<'a> {
    pub schemas: &'a mut SchemaGenerator,
    pub parameters: Vec<Value>,
    pub body: Option<Value>,
    pub answers: Map<String, Value>,
}

/// Something that a handler takes.
pub trait Input {
    /// The least that must be up for it.
    const NEEDS: Needs = Needs::Core;
    /// Whether it exists only for a dashboard log-in.
    const SESSION: bool = false;

    fn describe(_operation: &mut Operation<'_>) {}
}

/// All that a handler takes.
pub trait Inputs {
    const NEEDS: Needs;
    const SESSION: bool;

    fn describe(operation: &mut Operation<'_>);
}

/// What a handler gives back.
pub trait Output {
    fn describe(operation: &mut Operation<'_>);
}

macro_rules! inputs {
    ($($name:ident)*) => {
        impl<$($name: Input),*> Inputs for ($($name,)*) {
            const NEEDS: Needs = Needs::Core$(.and($name::NEEDS))*;
            const SESSION: bool = false $(|| $name::SESSION)*;

            fn describe(_operation: &mut Operation<'_>) {
                $($name::describe(_operation);)*
            }
        }
    };
}

inputs!();
inputs!(A);
inputs!(A B);
inputs!(A B C);
inputs!(A B C D);
inputs!(A B C D E);
inputs!(A B C D E F);
inputs!(A B C D E F G);
inputs!(A B C D E F G H);

impl Input for HttpRequest {}
impl Input for web::Payload {}
impl<T: 'static> Input for web::Data<T> {}

impl<T: Output> Output for Result<T, ApiError> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

/// The answer is made by someone else (a platform's adapter, a plugin).
impl Output for HttpResponse {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer("200", "As the handler decides.", "*/*", &json!({}));
    }
}

impl Operation<'_> {
    /// The schema of `T`, as a reference where it is an object with a name.
    pub fn schema<T: JsonSchema>(&mut self) -> Value {
        let schema = self.schemas.subschema_for::<T>();
        self.in_dialect(schema)
    }

    /// What is not kept among the definitions has to be put into the dialect of `OpenAPI` by hand.
    fn in_dialect(&mut self, mut schema: Schema) -> Value {
        for transform in self.schemas.transforms_mut() {
            transform.transform(&mut schema);
        }
        schema.to_value()
    }

    /// Adds one answer.
    pub fn answer(&mut self, status: &str, about: &str, media: &str, schema: &Value) {
        self.answers.insert(
            status.to_owned(),
            json!({ "description": about, "content": { media: { "schema": schema } } }),
        );
    }

    /// Adds a body of the given kind.
    pub fn takes_body(&mut self, media: &str, schema: &Value) {
        self.body = Some(json!({ "required": true, "content": { media: { "schema": schema } } }));
    }

    /// Adds the members of `T` as query parameters.
    pub fn takes_query<T: JsonSchema>(&mut self) {
        let schema = T::json_schema(self.schemas);
        let schema = self.in_dialect(schema);
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let Some(members) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        for (name, schema) in members {
            self.parameters.push(json!({
                "name": name,
                "in": "query",
                "required": required.contains(&name.as_str()),
                "schema": schema,
            }));
        }
    }
}
