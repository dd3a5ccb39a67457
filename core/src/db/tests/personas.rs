//! Personas and their folders.

use super::fresh::fresh;
use crate::db::{
    DbError, FolderChanged, NewPersona, NewPersonaFolder, PersonaChange, PersonaFolderChange,
    PersonaItem,
};

fn persona(id: &str) -> NewPersona {
    NewPersona {
        persona_id: id.into(),
        system_prompt: format!("You are {id}."),
        begin_dialogs: vec!["Who are you?".into(), id.into()],
        ..NewPersona::default()
    }
}

#[tokio::test]
async fn a_persona_is_read_as_written_and_null_tools_are_not_none() {
    let (_folder, database) = fresh().await;
    let personas = database.personas();
    let made = personas.create(persona("ada")).await.unwrap();
    assert_eq!((&made.tools, &made.skills), (&None, &None));
    let change = PersonaChange {
        tools: Some(Some(Vec::new())),
        custom_error_message: Some(Some("Later.".into())),
        ..PersonaChange::default()
    };
    personas.change("ada", change).await.unwrap();
    let read = personas.by_id("ada").await.unwrap().unwrap();
    assert_eq!(read.tools.as_deref(), Some([].as_slice()));
    assert_eq!((&read.skills, &read.system_prompt), (&None, &made.system_prompt));
    let all = PersonaChange { tools: Some(None), ..PersonaChange::default() };
    personas.change("ada", all).await.unwrap();
    assert_eq!(personas.by_id("ada").await.unwrap().unwrap().tools, None);
    assert!(matches!(personas.create(persona("ada")).await, Err(DbError::Taken(_))));
    let odd = NewPersona { begin_dialogs: vec!["Hm?".into()], ..persona("bob") };
    assert!(matches!(personas.create(odd).await, Err(DbError::Statement(_))));
    let missing = personas.change("nobody", PersonaChange::default()).await;
    assert!(matches!(missing, Err(DbError::Missing { what: "persona" })));
}

#[tokio::test]
async fn a_written_persona_counts_from_the_next_reading_on() {
    let (_folder, database) = fresh().await;
    let personas = database.personas();
    assert_eq!(personas.by_id("ada").await.unwrap(), None);
    personas.create(persona("ada")).await.unwrap();
    assert!(personas.by_id("ada").await.unwrap().is_some(), "that it was missing was remembered");
    let prompt = PersonaChange { system_prompt: Some("New.".into()), ..PersonaChange::default() };
    personas.change("ada", prompt).await.unwrap();
    assert_eq!(personas.by_id("ada").await.unwrap().unwrap().system_prompt, "New.");
    assert!(personas.delete("ada").await.unwrap());
    assert_eq!(personas.by_id("ada").await.unwrap(), None);
    assert!(!personas.delete("ada").await.unwrap());
}

#[tokio::test]
async fn a_copy_is_a_persona_of_its_own_in_the_same_folder() {
    let (_folder, database) = fresh().await;
    let new = NewPersonaFolder { name: "People".into(), ..NewPersonaFolder::default() };
    let folder = database.persona_folders().create(new).await.unwrap().folder_id;
    let personas = database.personas();
    let original = NewPersona { folder_id: Some(folder.clone()), ..persona("ada") };
    personas.create(original).await.unwrap();
    let copy = personas.copy("ada", "eve").await.unwrap();
    assert_eq!((copy.system_prompt.as_str(), &copy.folder_id), ("You are ada.", &Some(folder)));
    personas.delete("ada").await.unwrap();
    assert!(personas.by_id("eve").await.unwrap().is_some());
    let nothing = personas.copy("ada", "bob").await;
    assert!(matches!(nothing, Err(DbError::Missing { what: "persona" })));
}

#[tokio::test]
async fn a_folder_is_never_inside_of_itself_and_a_deleted_one_leaves_its_content_above() {
    let (_folder, database) = fresh().await;
    let folders = database.persona_folders();
    let make = async |name: &str, parent: Option<&str>| {
        let parent_id = parent.map(str::to_owned);
        let new = NewPersonaFolder { name: name.into(), parent_id, ..NewPersonaFolder::default() };
        folders.create(new).await.unwrap().folder_id
    };
    let top = make("top", None).await;
    let middle = make("middle", Some(&top)).await;
    let below = make("below", Some(&middle)).await;
    let into = |parent: &str| PersonaFolderChange {
        parent_id: Some(Some(parent.to_owned())),
        ..PersonaFolderChange::default()
    };
    for place in [&top, &middle, &below] {
        assert_eq!(folders.change(&top, into(place)).await.unwrap(), FolderChanged::Loop);
    }
    let gone = folders.change(&below, into("nothing")).await;
    assert!(matches!(gone, Err(DbError::Missing { what: "persona folder" })));
    let personas = database.personas();
    let inside = NewPersona { folder_id: Some(middle.clone()), ..persona("ada") };
    personas.create(inside).await.unwrap();
    assert_eq!(personas.by_id("ada").await.unwrap().unwrap().folder_id, Some(middle.clone()));
    folders.delete(&middle).await.unwrap();
    assert_eq!(personas.by_id("ada").await.unwrap().unwrap().folder_id, Some(top.clone()));
    assert_eq!(folders.by_id(&below).await.unwrap().unwrap().parent_id, Some(top.clone()));
    assert_eq!(folders.in_folder(Some(&top)).await.unwrap().len(), 1);
    assert_eq!(folders.in_folder(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn places_are_given_to_all_or_to_none() {
    let (_folder, database) = fresh().await;
    let (personas, folders) = (database.personas(), database.persona_folders());
    for id in ["a", "b", "c"] {
        personas.create(persona(id)).await.unwrap();
    }
    let place = |id: &str, place| (PersonaItem::Persona(id.to_owned()), place);
    folders.reorder(vec![place("c", 1), place("a", 2), place("b", 3)]).await.unwrap();
    let order = async || -> Vec<String> {
        let listed = personas.in_folder(None).await.unwrap();
        listed.into_iter().map(|persona| persona.persona_id).collect()
    };
    assert_eq!(order().await, ["c", "a", "b"]);
    let refused = folders.reorder(vec![place("b", 0), place("nobody", 1)]).await;
    assert!(matches!(refused, Err(DbError::Missing { what: "persona" })));
    assert_eq!(order().await, ["c", "a", "b"]);
}
