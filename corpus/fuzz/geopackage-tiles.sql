-- The schema of ngageoint/geopackage-js@bf7a4c6 test/fixtures, MIT.
CREATE TABLE gpkg_spatial_ref_sys (  srs_name TEXT NOT NULL,  srs_id INTEGER NOT NULL PRIMARY KEY,  organization TEXT NOT NULL,  organization_coordsys_id INTEGER NOT NULL,  definition  TEXT NOT NULL,  description TEXT,  definition_12_063 TEXT NOT NULL DEFAULT "undefined");
CREATE TABLE gpkg_contents ( table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_extensions (  table_name TEXT,  column_name TEXT,  extension_name TEXT NOT NULL,  definition TEXT NOT NULL,  scope TEXT NOT NULL,  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE gpkg_tile_matrix_set (  table_name TEXT NOT NULL PRIMARY KEY,  srs_id INTEGER NOT NULL,  min_x DOUBLE NOT NULL,  min_y DOUBLE NOT NULL,  max_x DOUBLE NOT NULL,  max_y DOUBLE NOT NULL,  CONSTRAINT fk_gtms_table_name FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),  CONSTRAINT fk_gtms_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_tile_matrix (  table_name TEXT NOT NULL,  zoom_level INTEGER NOT NULL,  matrix_width INTEGER NOT NULL,  matrix_height INTEGER NOT NULL,  tile_width INTEGER NOT NULL,  tile_height INTEGER NOT NULL,  pixel_x_size DOUBLE NOT NULL,  pixel_y_size DOUBLE NOT NULL,  CONSTRAINT pk_ttm PRIMARY KEY (table_name, zoom_level),  CONSTRAINT fk_tmm_table_name FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name));
CREATE TABLE 'denver' (
'id' INTEGER primary key autoincrement, 
'zoom_level' INTEGER not null, 
'tile_column' INTEGER not null, 
'tile_row' INTEGER not null, 
'tile_data' BLOB not null,
 unique (zoom_level, tile_column, tile_row)
);
CREATE TABLE nga_tile_scaling (
  table_name TEXT PRIMARY KEY NOT NULL,
  scaling_type TEXT NOT NULL,
  zoom_in INTEGER,
  zoom_out INTEGER,
  CONSTRAINT fk_nts_gtms_tn FOREIGN KEY('table_name') REFERENCES gpkg_tile_matrix_set('table_name'),
  CHECK (scaling_type in ('in','out','in_out','out_in','closest_in_out','closest_out_in'))
);
CREATE VIEW st_spatial_ref_sys AS SELECT   srs_name,   srs_id,   organization,   organization_coordsys_id,   definition,   description FROM gpkg_spatial_ref_sys;
CREATE VIEW spatial_ref_sys AS SELECT   srs_id AS srid,   organization AS auth_name,   organization_coordsys_id AS auth_srid,   definition AS srtext FROM gpkg_spatial_ref_sys;
CREATE TRIGGER 'gpkg_tile_matrix_zoom_level_insert'BEFORE INSERT ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'insert on table ''gpkg_tile_matrix'' violates constraint: zoom_level cannot be less than 0')WHERE (NEW.zoom_level < 0);END;
CREATE TRIGGER 'gpkg_tile_matrix_zoom_level_update'BEFORE UPDATE of zoom_level ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'update on table ''gpkg_tile_matrix'' violates constraint: zoom_level cannot be less than 0')WHERE (NEW.zoom_level < 0);END;
CREATE TRIGGER 'gpkg_tile_matrix_matrix_width_insert'BEFORE INSERT ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'insert on table ''gpkg_tile_matrix'' violates constraint: matrix_width cannot be less than 1')WHERE (NEW.matrix_width < 1);END;
CREATE TRIGGER 'gpkg_tile_matrix_matrix_width_update'BEFORE UPDATE OF matrix_width ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'update on table ''gpkg_tile_matrix'' violates constraint: matrix_width cannot be less than 1')WHERE (NEW.matrix_width < 1);END;
CREATE TRIGGER 'gpkg_tile_matrix_matrix_height_insert'BEFORE INSERT ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'insert on table ''gpkg_tile_matrix'' violates constraint: matrix_height cannot be less than 1')WHERE (NEW.matrix_height < 1);END;
CREATE TRIGGER 'gpkg_tile_matrix_matrix_height_update'BEFORE UPDATE OF matrix_height ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'update on table ''gpkg_tile_matrix'' violates constraint: matrix_height cannot be less than 1')WHERE (NEW.matrix_height < 1);END;
CREATE TRIGGER 'gpkg_tile_matrix_pixel_x_size_insert'BEFORE INSERT ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'insert on table ''gpkg_tile_matrix'' violates constraint: pixel_x_size must be greater than 0')WHERE NOT (NEW.pixel_x_size > 0);END;
CREATE TRIGGER 'gpkg_tile_matrix_pixel_x_size_update'BEFORE UPDATE OF pixel_x_size ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'update on table ''gpkg_tile_matrix'' violates constraint: pixel_x_size must be greater than 0')WHERE NOT (NEW.pixel_x_size > 0);END;
CREATE TRIGGER 'gpkg_tile_matrix_pixel_y_size_insert'BEFORE INSERT ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'insert on table ''gpkg_tile_matrix'' violates constraint: pixel_y_size must be greater than 0')WHERE NOT (NEW.pixel_y_size > 0);END;
CREATE TRIGGER 'gpkg_tile_matrix_pixel_y_size_update'BEFORE UPDATE OF pixel_y_size ON 'gpkg_tile_matrix'FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'update on table ''gpkg_tile_matrix'' violates constraint: pixel_y_size must be greater than 0')WHERE NOT (NEW.pixel_y_size > 0);END;
