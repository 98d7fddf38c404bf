//! JSON into Lua, without a copy in between, so that all of it counts as the script's memory.

use std::{cell::Cell, fmt};

use mlua::{Lua, Table, Value};
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::meter::Meter;

/// Why there is no value.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// The text is no JSON.
    Json(String),
    /// No memory, or no time.
    Lua(mlua::Error),
}

/// The value of a JSON text. `array` is the metatable of empty arrays, by which they stay arrays
/// when they are written again.
pub(super) fn decode(
    lua: &Lua,
    meter: &Meter,
    array: &Table,
    json: &[u8],
) -> Result<Value, DecodeError> {
    let failure = Cell::new(None);
    let decoder = Decoder { lua, meter, array, failure: &failure };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = decoder.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        failure.take().map_or_else(|| DecodeError::Json(error.to_string()), DecodeError::Lua)
    })
}

#[derive(Clone, Copy)]
struct Decoder<'a> {
    lua: &'a Lua,
    meter: &'a Meter,
    array: &'a Table,
    /// What Lua said, where it was Lua that failed.
    failure: &'a Cell<Option<mlua::Error>>,
}

impl Decoder<'_> {
    fn lua<T, E: de::Error>(self, result: mlua::Result<T>) -> Result<T, E> {
        result.map_err(|error| {
            let told = E::custom(&error);
            self.failure.set(Some(error));
            told
        })
    }
}

impl<'de> DeserializeSeed<'de> for Decoder<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Decoder<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of Lua are floating")]
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of Lua are floating")]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.lua(self.lua.create_string(value)).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let table = self.lua(self.lua.create_table())?;
        let mut length = 0;
        while let Some(value) = sequence.next_element_seed(self)? {
            length += 1;
            self.lua(self.meter.check().and_then(|()| table.raw_set(length, value)))?;
        }
        if length == 0 {
            self.lua(table.set_metatable(Some(self.array.clone())))?;
        }
        Ok(Value::Table(table))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let table = self.lua(self.lua.create_table())?;
        while let Some((key, value)) = map.next_entry_seed(self, self)? {
            self.lua(self.meter.check().and_then(|()| table.raw_set(key, value)))?;
        }
        Ok(Value::Table(table))
    }
}
