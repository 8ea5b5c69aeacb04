# Finds an unmodified, CPU-only Caffe 1.0 and makes the target Caffe::Caffe.
#
# CAFFE_ROOT (CMake or environment variable) is a prefix, a built source tree or a CMake build tree. Where headers and library lie
# apart, CAFFE_INCLUDE_DIR, CAFFE_PROTO_INCLUDE_DIR (the folder above caffe/proto/caffe.pb.h) and CAFFE_LIBRARY name them.
# Default: where Barista's own set-up builds it, <cache>/caffe.
if(NOT CAFFE_ROOT)
  if(DEFINED ENV{CAFFE_ROOT})
    set(CAFFE_ROOT $ENV{CAFFE_ROOT})
  elseif(DEFINED ENV{BARISTA_CACHE})
    set(CAFFE_ROOT $ENV{BARISTA_CACHE}/caffe)
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(CAFFE_ROOT $ENV{XDG_CACHE_HOME}/barista/caffe)
  else()
    set(CAFFE_ROOT $ENV{HOME}/.cache/barista/caffe)
  endif()
endif()

set(caffe_places ${CAFFE_ROOT} ${CAFFE_ROOT}/build ${CAFFE_ROOT}/source)
if(EXISTS ${CAFFE_ROOT}/CMakeCache.txt)
  file(STRINGS ${CAFFE_ROOT}/CMakeCache.txt caffe_home REGEX "^CMAKE_HOME_DIRECTORY:")
  string(REGEX REPLACE "^[^=]*=" "" caffe_home "${caffe_home}")
  list(APPEND caffe_places ${caffe_home})
endif()
find_path(CAFFE_INCLUDE_DIR caffe/caffe.hpp PATHS ${caffe_places} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_path(CAFFE_PROTO_INCLUDE_DIR caffe/proto/caffe.pb.h PATHS ${caffe_places} PATH_SUFFIXES include src NO_DEFAULT_PATH)
find_library(CAFFE_LIBRARY caffe PATHS ${caffe_places} PATH_SUFFIXES lib lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  Caffe
  REQUIRED_VARS CAFFE_LIBRARY CAFFE_INCLUDE_DIR CAFFE_PROTO_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "no Caffe 1.0 at ${CAFFE_ROOT}: run 'make setup', or set CAFFE_ROOT to a prefix or built source tree")

if(Caffe_FOUND AND NOT TARGET Caffe::Caffe)
  find_package(Boost REQUIRED COMPONENTS system thread)
  find_package(Protobuf REQUIRED)
  find_package(HDF5 REQUIRED COMPONENTS C HL)
  find_library(GLOG_LIBRARY glog REQUIRED)
  add_library(Caffe::Caffe UNKNOWN IMPORTED)
  set_target_properties(
    Caffe::Caffe
    PROPERTIES IMPORTED_LOCATION ${CAFFE_LIBRARY}
               # An imported target's: system headers to the compiler, whose warnings are not ours.
               INTERFACE_INCLUDE_DIRECTORIES "${CAFFE_INCLUDE_DIR};${CAFFE_PROTO_INCLUDE_DIR};${HDF5_INCLUDE_DIRS}"
               INTERFACE_COMPILE_DEFINITIONS CPU_ONLY
               INTERFACE_LINK_LIBRARIES "Boost::system;Boost::thread;protobuf::libprotobuf;${GLOG_LIBRARY};${HDF5_HL_LIBRARIES};${HDF5_LIBRARIES}")
endif()
mark_as_advanced(CAFFE_INCLUDE_DIR CAFFE_PROTO_INCLUDE_DIR CAFFE_LIBRARY GLOG_LIBRARY)
